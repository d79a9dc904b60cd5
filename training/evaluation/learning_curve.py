"""What more labels would bring: a learning curve, and about how many `auto` still takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from models.base.model_card import CurvePoint
from models.classification.calibrated_model import CalibratedModel
from models.classification.cross_validation import Fold, Rows, one_of_each
from models.classification.experts import choose_experts, expert_scores
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.binomial_intervals import lower_bound
from training.evaluation.certify import FEWEST_ACCEPTED, GRID, certify
from training.evaluation.drift import rows_since_drift
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions, accuracy, measure, take_rows
from training.plan import TrainingPlan

_SHARES = (0.125, 0.25, 0.5, 1.0)
_FEWEST_LEARNED = 20
_ENOUGH_JUDGED = 600
_MOST_LABELS = 5000
_PRIOR_ANSWERS = 10.0
_MOST_ANSWERS = 2000
_MOST_AHEAD = 10.0

_RUNGS = {
    "neighbours": "the nearest past incidents answer; a linear model joins them at 30 labels",
    "linear": "linear models and the nearest past incidents answer; the full stack needs 500 "
    "labelled texts, or 1,000 incidents with facts alone",
    "full": "every expert answers that these incidents support",
}


@dataclass(frozen=True, slots=True)
class LabelForecast:
    """Which rung of the ladder answers, and what more labels would bring.

    `labels_until_auto` is None where the answers prove a certificate, and where nothing tells.
    `is_withheld` where no number of labels would do before the mapping confirms the columns.
    """

    rung: str
    learning_curve: tuple[CurvePoint, ...] = ()
    labels_until_auto: int | None = None
    is_auto_unlikely: bool = False
    is_withheld: bool = False

    @property
    def statements(self) -> tuple[str, ...]:
        """Say it in words, for the card and for who watches a training.

        >>> LabelForecast("full", labels_until_auto=120).statements[-1]
        'auto impossible yet: about 120 more labels'
        """
        said = [f"rung {self.rung}: {_RUNGS[self.rung]}"]
        if len(self.learning_curve) > 1:
            points = (f"{each.accuracy:.2f} after {each.labels:,}" for each in self.learning_curve)
            said.append(
                f"learning curve, accuracy of a light expert by labels: {', '.join(points)}"
            )
        if self.labels_until_auto is not None:
            more = f"about {self.labels_until_auto:,} more labels"
            first = "confirm `columns_known` in the mapping first; then "
            would_do = f"{first}{more} would do" if self.is_withheld else more
            said.append(f"auto impossible yet: {would_do}")
        elif self.is_auto_unlikely:
            said.append(
                "auto impossible yet, and no answers are sure and right enough to tell when"
            )
        return tuple(said)


def forecast_labels(
    model: CalibratedModel,
    evaluation: Evaluation,
    target: Target,
    split: Split,
    reports: Sequence[IncidentReport],
    plan: TrainingPlan,
) -> LabelForecast:
    """Tell what more labels would bring to a fitted model.

    Where certificates are withheld for another reason, what its answers prove counts all the same.
    """
    kept = np.flatnonzero(rows_since_drift(evaluation.drift, evaluation.rows, split))
    judged, copies = take_rows(evaluation.judged, kept), evaluation.copies[kept]
    wanted = plan.auto_precision
    proven = certify(judged, model.classes_, copies, wanted=wanted, family=plan.family)
    more = None
    if not proven.certificates:
        more = labels_until_auto(judged, copies, len(model.example_ids_), wanted=wanted)
    return LabelForecast(
        rung=model.rung,
        learning_curve=learning_curve(model, target, split, reports),
        labels_until_auto=more,
        is_auto_unlikely=not proven.certificates and more is None,
        is_withheld=model.certification_.withheld is not None,
    )


def learning_curve(
    model: CalibratedModel, target: Target, split: Split, reports: Sequence[IncidentReport]
) -> tuple[CurvePoint, ...]:
    """Return the held-out accuracy of the first expert alone at growing shares of the labels.

    The linear expert (with few labels: neighbours) costs a small part of a training; as many folds
    are judged as give 600 answers. Above 5,000 labels the curve is flat, and left out.
    """
    known = np.flatnonzero([label is not None for label in target.labels])
    if len(known) > _MOST_LABELS:
        return ()
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    encoded = encode_reports(
        [reports[int(row)] for row in known],
        encoder=model.encoder,
        reads_characters=model.reads_characters_,
    )
    folds = list(_some_folds(split.folds, known))
    points = (_point(encoded, labels[known], split.blocks[known], folds, s) for s in _SHARES)
    return tuple(point for point in points if point is not None)


def labels_until_auto(
    judged: HeldOutPredictions, copies: Rows, labels: int, *, wanted: float
) -> int | None:
    """Return about how many more labels a first certificate takes, in tens; None if nothing tells.

    `judged` are held-out answers after so many `labels`. Supposes that later answers are as sure
    and as right as these: each class, and all together, is asked at each threshold how many
    accepted answers would prove the precision that it shows. That precision counts ten answers more
    which are right as often as they are sure, or a lucky few would promise too much. More labels
    make a model better, so fewer may do.
    """
    drawn = take_rows(judged, one_of_each(copies))
    groups = [drawn.predicted == number for number in np.unique(drawn.predicted)]
    thresholds = np.array(GRID)
    takes = [
        _answers_needed(drawn, here & (drawn.confidence >= threshold), wanted)
        for here in (np.ones(len(drawn.labels), dtype=bool), *groups)
        for threshold in thresholds[thresholds > wanted - 0.1]
    ]
    growth = min(takes, default=np.inf)
    # Further ahead a better model will be certified, of which these answers say little.
    if growth - 1 > _MOST_AHEAD:
        return None
    return 10 * max(1, int(np.ceil((growth - 1) * labels / 10)))


def _answers_needed(judged: HeldOutPredictions, accepted: Rows, wanted: float) -> float:
    """Return by how much the answers must grow for those accepted to prove the precision."""
    count = int(accepted.sum())
    right = int((accepted & (judged.predicted == judged.labels)).sum())
    if not count:
        return np.inf
    sure = float(judged.confidence[accepted].mean())
    precision = (right + _PRIOR_ANSWERS * sure) / (count + _PRIOR_ANSWERS)
    of = np.arange(FEWEST_ACCEPTED, _MOST_ANSWERS)
    proven = np.flatnonzero(lower_bound(np.floor(precision * of).astype(int), of) >= wanted)
    return float(of[proven[0]]) / count if len(proven) else np.inf


def _some_folds(folds: Sequence[Fold], known: Rows) -> Iterator[Fold]:
    """Yield folds whose rows number the labelled incidents, until they judge enough of them."""
    judged = 0
    for fold in folds:
        if judged < _ENOUGH_JUDGED:
            fit, judge = (np.flatnonzero(np.isin(known, rows)) for rows in (fold.fit, fold.judge))
            judged += len(judge)
            yield Fold(fit, judge)


def _point(
    encoded: EncodedReports, labels: Rows, blocks: Rows, folds: Sequence[Fold], share: float
) -> CurvePoint | None:
    learned, rows, predicted = [], [], []
    for number, fold in enumerate(folds):
        order = np.random.default_rng(number).permutation(fold.fit)
        seen = np.sort(order[: round(share * len(order))])
        if len(fold.judge) and len(seen) >= _FEWEST_LEARNED and len(set(labels[seen])) > 1:
            learned.append(len(seen))
            rows.append(fold.judge)
            predicted.append(_answer(encoded, labels, seen, fold.judge))
    if not rows:
        return None
    judged = np.concatenate(rows)
    answers = np.concatenate(predicted)
    unused = np.zeros(len(judged))
    found = measure(
        accuracy,
        HeldOutPredictions(
            labels[judged], answers, unused, unused, blocks[judged], int(labels.max()) + 1
        ),
    )
    return CurvePoint(round(float(np.mean(learned))), *found.triple)


def _answer(encoded: EncodedReports, labels: Rows, seen: Rows, judged: Rows) -> Rows:
    classes = int(labels.max()) + 1
    learned = encoded.take(seen)
    name, expert = next(iter(choose_experts(learned, classes=classes, seed=0).items()))
    fitted = {name: expert.fit(learned, labels[seen])}
    return np.asarray(expert_scores(fitted, encoded.take(judged), classes)[0].argmax(axis=1))

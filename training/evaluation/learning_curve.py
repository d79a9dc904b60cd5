"""Forecasts the effect of more labels: a learning curve, and how many labels `auto` needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from models.base.model_card import CurvePoint
from models.classification.calibrated_model import CalibratedModel
from models.classification.learning.cross_validation import Fold, Rows, one_of_each
from models.classification.learning.experts import choose_experts, pipeline_scores
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.binomial_intervals import lower_bound
from training.evaluation.certify import FEWEST_ACCEPTED, GRID, certify
from training.evaluation.drift import rows_since_drift
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions, accuracy, measure, take_rows
from training.plan import TrainingPlan

_SHARES = (0.125, 0.25, 0.5, 1.0)
_MIN_LABELS = 20
_ENOUGH_PREDICTIONS = 600
_MAX_LABELS = 5000
_PRIOR_ANSWERS = 10.0
_MAX_ANSWERS = 2000
_MAX_GROWTH = 10.0

_RUNG_DESCRIPTIONS = {
    "neighbours": "the nearest past incidents answer; with 30 labels a linear model answers too",
    "linear": "linear models and the nearest past incidents answer; all models answer with 500 "
    "labelled texts, or with 1,000 labelled incidents that have facts only",
    "full": "all models that these incidents support give answers",
}


@dataclass(frozen=True, slots=True)
class LabelForecast:
    """The level of the method that the labels support (`rung`), and a forecast for more labels.

    `labels_until_auto` is the estimated number of further labels until the first certificate. It is
    None if the predictions already prove one, or if no estimate is possible; in the latter case
    `is_auto_unlikely` is true. `is_withheld` says that no certificate is given until the mapping
    confirms that the columns were known at opening.
    """

    rung: str
    learning_curve: tuple[CurvePoint, ...] = ()
    labels_until_auto: int | None = None
    is_auto_unlikely: bool = False
    is_withheld: bool = False

    @property
    def statements(self) -> tuple[str, ...]:
        """The forecast in sentences, for the card and the output of a training.

        >>> LabelForecast("full", labels_until_auto=120).statements[-1]
        'auto is not possible yet: about 120 more labels are needed'
        """
        sentences = [f"method level {self.rung}: {_RUNG_DESCRIPTIONS[self.rung]}"]
        if len(self.learning_curve) > 1:
            points = [
                f"{point.accuracy:.2f} with {point.labels:,} labels"
                for point in self.learning_curve
            ]
            sentences.append(f"learning curve, accuracy of a simple model: {', '.join(points)}")
        if self.labels_until_auto is not None:
            condition = "confirm `columns_known` in the mapping; then " if self.is_withheld else ""
            needs = f"about {self.labels_until_auto:,} more labels are needed"
            sentences.append(f"auto is not possible yet: {condition}{needs}")
        elif self.is_auto_unlikely:
            sentences.append(
                "auto is not possible yet: too few answers are confident and right to estimate "
                "how many labels are needed"
            )
        return tuple(sentences)


def forecast_labels(
    model: CalibratedModel,
    evaluation: Evaluation,
    target: Target,
    split: Split,
    reports: Sequence[IncidentReport],
    plan: TrainingPlan,
) -> LabelForecast:
    """Forecast the effect of more labels on a fitted model.

    No further labels are needed if the held-out predictions prove a certificate, even if the
    certificate is withheld.
    """
    recent_rows = np.flatnonzero(rows_since_drift(evaluation.drift, evaluation.rows, split))
    predictions = take_rows(evaluation.actionable, recent_rows)
    copies = evaluation.copies[recent_rows]
    precision = plan.auto_precision
    certification = certify(
        predictions, model.classes_, copies, precision=precision, family=plan.family
    )
    labels_needed = None
    if not certification.certificates:
        labels_needed = labels_until_auto(
            predictions, copies, len(model.example_ids_), precision=precision
        )
    return LabelForecast(
        rung=model.rung,
        learning_curve=learning_curve(model, target, split, reports),
        labels_until_auto=labels_needed,
        is_auto_unlikely=not certification.certificates and labels_needed is None,
        is_withheld=model.certification_.withheld is not None,
    )


def learning_curve(
    model: CalibratedModel, target: Target, split: Split, reports: Sequence[IncidentReport]
) -> tuple[CurvePoint, ...]:
    """Return the held-out accuracy of the first expert alone at growing shares of the labels.

    The first expert is a linear model, or with few labels the nearest neighbours; fitting it takes
    a small part of the training time. Folds are used until they give 600 predictions. With more
    than 5,000 labels the curve is flat, and no points are returned.
    """
    labelled_rows = np.flatnonzero([label is not None for label in target.labels])
    if len(labelled_rows) > _MAX_LABELS:
        return ()
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    encoded = encode_reports(
        [reports[int(row)] for row in labelled_rows],
        encoder=model.encoder,
        reads_characters=model.reads_characters_,
    )
    folds = list(_select_folds(split.folds, labelled_rows))
    known_labels, blocks = labels[labelled_rows], split.blocks[labelled_rows]
    points = (_curve_point(encoded, known_labels, blocks, folds, share) for share in _SHARES)
    return tuple(point for point in points if point is not None)


def labels_until_auto(
    predictions: HeldOutPredictions, copies: Rows, labels: int, *, precision: float
) -> int | None:
    """Estimate how many more labels the first certificate needs, rounded up to tens.

    `predictions` are held-out predictions of a model that was fitted on `labels` labels. Later
    answers are assumed to be as confident and as precise as these predictions. For each class and
    for all classes together, the function computes at each threshold how many accepted answers
    would prove `precision`. The result is the label count for the smallest growth in answers.
    The observed precision is smoothed with ten more answers whose precision is the mean confidence,
    so that a few answers that are correct by chance do not make the estimate too low. A model
    improves with more labels, so fewer may be enough. Returns None if more than ten times as many
    labels would have to be added.
    """
    sample = take_rows(predictions, one_of_each(copies))
    class_masks = [sample.predicted == number for number in np.unique(sample.predicted)]
    thresholds = np.array(GRID)
    growths = [
        _growth_needed(sample, mask & (sample.confidence >= threshold), precision)
        for mask in (np.ones(len(sample.labels), dtype=bool), *class_masks)
        for threshold in thresholds[thresholds > precision - 0.1]
    ]
    growth = min(growths, default=np.inf)
    # A model fitted on so many more labels would differ too much from the present model.
    if growth - 1 > _MAX_GROWTH:
        return None
    return 10 * max(1, int(np.ceil((growth - 1) * labels / 10)))


def _growth_needed(predictions: HeldOutPredictions, accepted: Rows, precision: float) -> float:
    """Return by what factor the answers must grow until the accepted answers prove `precision`.

    The factor is infinite if no answer is accepted, or if the proof needs 2,000 accepted answers or
    more.
    """
    count = int(accepted.sum())
    right = int((accepted & (predictions.predicted == predictions.labels)).sum())
    if not count:
        return np.inf
    mean_confidence = float(predictions.confidence[accepted].mean())
    expected_precision = (right + _PRIOR_ANSWERS * mean_confidence) / (count + _PRIOR_ANSWERS)
    answer_counts = np.arange(FEWEST_ACCEPTED, _MAX_ANSWERS)
    right_counts = np.floor(expected_precision * answer_counts).astype(int)
    sufficient = np.flatnonzero(lower_bound(right_counts, answer_counts) >= precision)
    return float(answer_counts[sufficient[0]]) / count if len(sufficient) else np.inf


def _select_folds(folds: Sequence[Fold], labelled_rows: Rows) -> Iterator[Fold]:
    """Yield folds of the labelled incidents until the folds have 600 held-out rows.

    The rows of the yielded folds are indices into `labelled_rows`.
    """
    judged_count = 0
    for fold in folds:
        if judged_count < _ENOUGH_PREDICTIONS:
            fit, judge = (
                np.flatnonzero(np.isin(labelled_rows, rows)) for rows in (fold.fit, fold.judge)
            )
            judged_count += len(judge)
            yield Fold(fit, judge)


def _curve_point(
    encoded: EncodedReports, labels: Rows, blocks: Rows, folds: Sequence[Fold], share: float
) -> CurvePoint | None:
    label_counts, judged_rows, predicted = [], [], []
    for number, fold in enumerate(folds):
        shuffled_rows = np.random.default_rng(number).permutation(fold.fit)
        fit_rows = np.sort(shuffled_rows[: round(share * len(shuffled_rows))])
        if len(fold.judge) and len(fit_rows) >= _MIN_LABELS and len(set(labels[fit_rows])) > 1:
            label_counts.append(len(fit_rows))
            judged_rows.append(fold.judge)
            predicted.append(_predict(encoded, labels, fit_rows, fold.judge))
    if not judged_rows:
        return None
    all_rows = np.concatenate(judged_rows)
    all_predicted = np.concatenate(predicted)
    zeros = np.zeros(len(all_rows))
    estimate = measure(
        accuracy,
        HeldOutPredictions(
            labels[all_rows], all_predicted, zeros, zeros, blocks[all_rows], int(labels.max()) + 1
        ),
    )
    return CurvePoint(round(float(np.mean(label_counts))), *estimate.triple)


def _predict(encoded: EncodedReports, labels: Rows, fit_rows: Rows, judged_rows: Rows) -> Rows:
    classes = int(labels.max()) + 1
    fit_reports = encoded.take(fit_rows)
    expert = next(iter(choose_experts(fit_reports, classes=classes, seed=0).values()))
    expert.fit(fit_reports, labels[fit_rows])
    scores = pipeline_scores(expert, encoded.take(judged_rows))
    return np.asarray(expert.classes_[scores.argmax(axis=1)])

"""The base of choice and severity models: encoding, cross-fitting, certificates, decisions."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.encoding.encoder_weights import MINILM
from features.errors import NotEnoughHistory, NotTrained
from models.base.predictions import Certificate, Decision, Evidence, LabelPrediction
from models.base.report_model import ReportModel
from models.base.target_labels import label_of
from models.classification.conformal_sets import LabelSets
from models.classification.cross_validation import Fold, Rows, copy_folds, report_copy_groups
from models.classification.drift_doubt import DriftDoubt
from models.classification.expert_pool import CrossFit, ExpertPool, Floats
from models.classification.experts import RUNGS, method_level
from models.classification.explanations import Explainer, ScoredPool, ScoredReports, Scores
from models.classification.nearest_examples import nearest_exemplars
from models.classification.recent_past import DatedRows, RecentPast
from models.classification.residual_probability import ResidualProbability
from models.classification.timeline import Timeline

_MOST_ROWS_FOR_CHARACTERS = 10_000
_MOST_SUGGESTED = 3
_USEFUL = 0.5
_RECENT = "recent past"


@dataclass(frozen=True, slots=True)
class Certification:
    """The certificates by label; `withheld` is the reason if any were withheld or limited.

    With `needs_novelty`, they were proven only for reports for which novelty allows `auto`.
    """

    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    withheld: str | None = None
    needs_novelty: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers to a batch of reports, before they are explained.

    `probabilities` of shape (reports, classes) are those of the answers, and `picked` the numbers
    of the answered classes. `undoubted` are the probabilities before a drift's doubt; by these,
    label sets are chosen. `surest` is the confidence by which each answer may be `auto`.
    """

    probabilities: Floats
    undoubted: Floats
    picked: Rows
    surest: Floats


class CalibratedModel(ReportModel):
    """Base class of the models that give each class a calibrated probability.

    `target` is the target to learn, `encoder` is the hash of the sentence encoder's weights.
    """

    is_ordered: ClassVar[bool] = False
    classes_: list[str]
    recent_past_: RecentPast | None

    def __init__(self, *, target: str = "category", encoder: str = MINILM, seed: int = 0) -> None:
        self.target = target
        self.encoder = encoder
        self.seed = seed

    def fit(
        self,
        examples: Sequence[ResolvedIncident],
        folds: Sequence[Fold] | None = None,
        copies: Rows | None = None,
        *,
        follows_time: bool = False,
    ) -> Self:
        """Learn from the labelled examples.

        `folds` hold row numbers of the examples; the default folds do not split groups of
        near-copies. `copies` gives the near-copy group of each example, if it is known already.
        With `follows_time`, each fold is later than what its model is fitted on, and experts of the
        recent past are added if they answer better lately (see `RecentPast`).
        `cross_fit_` holds the calibrated probabilities of held-out rows, for evaluation.
        """
        labels = [label_of(example.outcome, self.target) for example in examples]
        labelled_rows = np.array(
            [row for row, label in enumerate(labels) if label is not None], dtype=np.int64
        )
        self._learn_classes([label for label in labels if label is not None])
        reports = [examples[int(row)].report for row in labelled_rows]
        self.reads_characters_ = len(reports) <= _MOST_ROWS_FOR_CHARACTERS
        copies = report_copy_groups(reports) if copies is None else copies[labelled_rows]
        if folds is None:
            folds = copy_folds(copies, seed=self.seed)
        else:
            folds = [_renumber(fold, labelled_rows, len(examples)) for fold in folds]
        numbers = {label: number for number, label in enumerate(self.classes_)}
        classes = np.array(
            [numbers[label] for label in labels if label is not None], dtype=np.int64
        )
        self.example_ids_ = np.array([report.id for report in reports])
        self.example_labels_ = classes
        encoded = self._encode(reports)
        cross_fit = self._fit_probabilities(encoded, classes, folds)
        self.recent_past_ = None
        if follows_time:
            timeline = Timeline.of([examples[int(row)] for row in labelled_rows])
            dated = DatedRows(encoded, classes, timeline, copies)
            cross_fit = self._add_recent_past(dated, cross_fit)
        cross_fit = self._choose_labels(cross_fit, classes[cross_fit.rows], folds)
        self._learn_limits(cross_fit, classes, copies)
        self.cross_fit_ = replace(cross_fit, rows=labelled_rows[cross_fit.rows])
        return self

    def predict_proba(
        self, reports: Sequence[IncidentReport], rates: LabelRates | None = None
    ) -> Floats:
        """Return calibrated probabilities of shape (reports, classes), corrected to the rates."""
        self._check_trained()
        if not reports:
            return np.empty((0, len(self.classes_)))
        probabilities = self._probabilities(self._encode(reports, self.adapted_encoder))
        return self._correct(self.drift_doubt_.widen(probabilities), rates)

    def pick(self, probabilities: Floats) -> Rows:
        """Return the number of the answered class for each row of probabilities."""
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)

    def may_be_auto(
        self,
        reports: Sequence[IncidentReport],
        predicted: Rows,  # noqa: ARG002
    ) -> NDArray[np.bool_]:
        """Return which answers may be `auto` if they are confident enough.

        `predicted` has the class number of each answer. Certificates are proven for these answers
        only.
        """
        return np.ones(len(reports), dtype=np.bool_)

    def are_concentrated(self, probabilities: Floats) -> NDArray[np.bool_]:
        """Return which rows leave no unusual probability to labels beyond the two likeliest.

        Only such answers may be `auto`: see `ResidualProbability`. Levels are all concentrated.
        """
        if self.residual_probability_ is None:
            return np.ones(len(probabilities), dtype=np.bool_)
        return self.residual_probability_.is_usual(probabilities)

    def certify(self, certification: Certification) -> None:
        """Set the certificates of the labels that may be answered without a person."""
        self.certification_ = certification

    def doubt(self, drift_doubt: DriftDoubt) -> None:
        """Set how far the confidence is lowered after a drift."""
        self.drift_doubt_ = drift_doubt

    @abstractmethod
    def predict(
        self, reports: Sequence[IncidentReport], rates: LabelRates | None = None
    ) -> list[LabelPrediction]:
        """Return one prediction per report, in order; raises `NotTrained` before `fit`.

        `rates` correct the probabilities to how often the labels occur lately. A certificate is
        proven without them, so a corrected answer is `auto` only if it would be without them too.
        """

    @abstractmethod
    def _learn_classes(self, labels: Sequence[str]) -> None:
        """Set `classes_` in the order of the probabilities' columns."""

    @abstractmethod
    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        """Fit the model, and return the cross-fitted probabilities of the held-out rows."""

    def _correct(self, probabilities: Floats, rates: LabelRates | None) -> Floats:
        """Return probabilities corrected to the rates of labels lately."""
        if rates is None:
            return probabilities
        factors = np.exp([rates.log_factors.get(label, 0.0) for label in self.classes_])
        corrected = probabilities * factors
        return np.asarray(corrected / corrected.sum(axis=1, keepdims=True))

    def _answer(self, combined: Floats, rates: LabelRates | None) -> Answered:
        """Return the answers by the pools' combined probabilities, corrected to the rates.

        A corrected answer is `auto` only if it is the same without the correction, and by the lower
        one of both confidences.
        """
        doubted, picked = self.drift_doubt_.widen(combined), self.pick(combined)
        rows = np.arange(len(combined))
        before = doubted[rows, picked]
        if rates is None:
            return Answered(doubted, combined, picked, before)
        corrected = self._correct(doubted, rates)
        repicked = self._pick_corrected(corrected)
        is_as_before = (repicked == picked) & self.are_concentrated(doubted)
        surest = np.where(is_as_before, np.minimum(before, corrected[rows, repicked]), 0.0)
        return Answered(corrected, corrected, repicked, surest)

    def _pick_corrected(self, probabilities: Floats) -> Rows:
        """Return the number of the answered class for each row of corrected probabilities."""
        return self.pick(probabilities)

    @staticmethod
    def _name_rates(
        predictions: Sequence[LabelPrediction], rates: LabelRates | None
    ) -> list[LabelPrediction]:
        """Return the predictions, each with the sentence on the rates it was corrected to."""
        if rates is None:
            return list(predictions)
        sentence = f"corrected to how often labels occur lately: {rates.describe()}"
        return [replace(one, why=(*one.why, sentence)) for one in predictions]

    def _learn_limits(self, cross_fit: CrossFit, classes: Rows, copies: Rows) -> None:
        """Learn from held-out rows when to name several labels, and when `auto` is in question."""
        self.label_sets_ = LabelSets(is_ordered=self.is_ordered).fit(
            cross_fit.probabilities, classes[cross_fit.rows], copies[cross_fit.rows]
        )
        self.certification_ = Certification()
        self.drift_doubt_ = DriftDoubt()
        self.residual_probability_ = (
            None if self.is_ordered else ResidualProbability().fit(cross_fit.probabilities)
        )

    def _choose_labels(
        self,
        cross_fit: CrossFit,
        labels: Rows,  # noqa: ARG002
        folds: Sequence[Fold],  # noqa: ARG002
    ) -> CrossFit:
        """Return the cross-fit with the numbers of the predicted classes."""
        return cross_fit

    @abstractmethod
    def _pools(self) -> Mapping[str, ExpertPool]:
        """Return the fitted pools by name."""

    @abstractmethod
    def _combine_pools(self, scores: Scores) -> Floats:
        """Turn each pool's scores into calibrated probabilities of shape (reports, classes)."""

    def _add_recent_past(self, rows: DatedRows, cross_fit: CrossFit) -> CrossFit:
        recent_past = RecentPast(classes=len(self.classes_)).fit(rows, cross_fit)
        if recent_past.experts_:
            self.recent_past_ = recent_past
        return recent_past.take_cross_fit()

    def _combine(self, scores: Scores) -> Floats:
        probabilities = self._combine_pools(scores)
        if self.recent_past_ is None:
            return probabilities
        return self.recent_past_.mix(probabilities, scores[_RECENT])

    def _scored_pools(self) -> dict[str, ScoredPool]:
        pools: dict[str, ScoredPool] = dict(self._pools())
        return pools if self.recent_past_ is None else pools | {_RECENT: self.recent_past_}

    def _score(self, encoded: EncodedReports) -> Scores:
        return {name: pool.score(encoded) for name, pool in self._scored_pools().items()}

    def _probabilities(self, encoded: EncodedReports) -> Floats:
        return self._combine(self._score(encoded))

    def _explain(self, batch: ScoredReports) -> list[Evidence]:
        pools = self._pools()
        exemplars = nearest_exemplars(
            next(iter(pools.values())),
            batch,
            self.example_ids_,
            self.example_labels_,
            self.classes_,
        )
        weights = Explainer(self._scored_pools(), self._combine).explain(batch)
        return [
            replace(evidence, exemplars=nearest)
            for evidence, nearest in zip(weights, exemplars, strict=True)
        ]

    @property
    def rung(self) -> str:
        """How much of the method the labels support: the highest of `RUNGS` among the pools."""
        self._check_trained()
        return max(
            (method_level(pool.experts_) for pool in self._pools().values()), key=RUNGS.index
        )

    @property
    def adapted_encoder(self) -> str | None:
        """The hash of the adapted encoder that the model also uses, None without one."""
        return None

    def _encode(
        self, reports: Sequence[IncidentReport], adapted_encoder: str | None = None
    ) -> EncodedReports:
        return encode_reports(
            reports,
            encoder=self.encoder,
            reads_characters=self.reads_characters_,
            adapted_encoder=adapted_encoder,
        )

    def _check_trained(self) -> None:
        if not hasattr(self, "certification_"):
            raise NotTrained(f"the model of {self.target} has not been fitted; train it first")

    def _decide(self, label: str, probabilities: Floats, confidence: float) -> Decision:
        """Return auto if the confidence reaches the label's certified threshold.

        `auto` also needs concentrated probabilities. After a drift that leaves too much in doubt,
        always return abstain. Otherwise return suggest if the likeliest labels have a total
        probability of at least one half, and abstain if not. The likeliest labels are at most
        three, and at most half of all labels.
        """
        if self.drift_doubt_.abstains:
            return Decision.ABSTAIN
        certificate = self.certification_.certificates.get(label)
        is_certain = certificate is not None and confidence >= certificate.threshold
        if is_certain and self.are_concentrated(probabilities[None])[0]:
            return Decision.AUTO
        count = max(1, min(_MOST_SUGGESTED, len(probabilities) // 2))
        is_useful = float(np.sort(probabilities)[-count:].sum()) >= _USEFUL
        return Decision.SUGGEST if is_useful else Decision.ABSTAIN

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("cross_fit_", None)
        return state


def require_two_labels(labels: Sequence[str], target: str) -> None:
    """Raise `NotEnoughHistory` unless there are two different labels."""
    if len(set(labels)) < 2:
        raise NotEnoughHistory(
            f"{target} has fewer than two different labels; give a history with at least two"
        )


def _renumber(fold: Fold, labelled_rows: Rows, examples: int) -> Fold:
    """Return the fold with rows numbered among the labelled examples, without unlabelled rows."""
    place = np.full(examples, -1, dtype=np.int64)
    place[labelled_rows] = np.arange(len(labelled_rows))
    fit, judge = place[fold.fit], place[fold.judge]
    scores = None if fold.adapted_scores is None else fold.adapted_scores[labelled_rows]
    return Fold(fit[fit >= 0], judge[judge >= 0], scores)

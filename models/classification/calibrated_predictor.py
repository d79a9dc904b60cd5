"""The base of what answers with labels: encoding, scores, certificates, decisions."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.encoding.encoder_weights import MINILM
from features.errors import NotTrained
from models.base.predictions import Certificate, Decision, Evidence, Exemplar, LabelPrediction
from models.base.report_model import ReportPredictor
from models.classification.conformal_sets import LabelSets
from models.classification.drift_doubt import DriftDoubt
from models.classification.evidence.explanations import (
    Explainer,
    ScoredPool,
    ScoredReports,
    Scores,
    explain_together,
)
from models.classification.evidence.nearest_examples import nearest_exemplars
from models.classification.expert_pool import ExpertPool
from models.classification.recent_past import RecentPast
from models.classification.residual_probability import ResidualProbability
from models.classification.scorers.scorer import RUNGS, Floats, Rows, method_level

_MOST_SUGGESTED = 3
_USEFUL = 0.5
RECENT = "recent past"
"""The name of the scores of a `RecentPast`, beside those of the pools."""


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

    `probabilities` of shape (reports, classes) are those of the answers. `undoubted` are the
    probabilities before a drift's doubt; by these, label sets are chosen. `surest` is the
    confidence by which each answer may be `auto`. `scored` is what the evidence is measured by,
    with the numbers of the answered classes.
    """

    probabilities: Floats
    undoubted: Floats
    surest: Floats
    scored: ScoredReports
    rates: LabelRates | None


class CalibratedPredictor(ReportPredictor):
    """Base class of what gives each class a calibrated probability.

    It holds what `CalibratedModel` learned, without scikit-learn. `target` is the target to
    answer, `encoder` is the hash of the sentence encoder's weights.
    """

    classes_: list[str]
    reads_characters_: bool
    example_ids_: NDArray[np.str_]
    example_labels_: Rows
    recent_past_: RecentPast | None
    label_sets_: LabelSets
    certification_: Certification
    drift_doubt_: DriftDoubt
    residual_probability_: ResidualProbability | None

    def __init__(self, *, target: str = "category", encoder: str = MINILM, seed: int = 0) -> None:
        self.target = target
        self.encoder = encoder
        self.seed = seed

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

    def predict(
        self,
        reports: Sequence[IncidentReport],
        rates: LabelRates | None = None,
        *,
        with_evidence: bool = True,
    ) -> list[LabelPrediction]:
        """Return one prediction per report, in order; raises `NotTrained` before `fit`.

        Without evidence, which costs more than the prediction, words, facts and examples are empty.

        `rates` correct the probabilities to how often the labels occur lately. A certificate is
        proven without them, so a corrected answer is `auto` only if it would be without them too.
        """
        if not reports:
            self._check_trained()
            return []
        answered = self.answer(reports, rates)
        evidence = explain_answers([self], [answered])[0] if with_evidence else None
        return self.conclude(answered, evidence)

    def answer(
        self, reports: Sequence[IncidentReport], rates: LabelRates | None = None
    ) -> Answered:
        """Return answers to one report or more, which `conclude` turns into predictions.

        See `predict`.
        """
        self._check_trained()
        encoded = self._encode(reports, self.adapted_encoder)
        scores = self._score(encoded)
        combined = self._combine(scores)
        picked = self.pick(combined)
        doubted = self.drift_doubt_.widen(combined)
        before = doubted[np.arange(len(combined)), picked]
        if rates is None:
            scored = ScoredReports(reports, encoded, scores, combined, picked)
            return Answered(doubted, combined, before, scored, rates)
        corrected = self._correct(doubted, rates)
        repicked = self._pick_corrected(corrected)
        is_as_before = (repicked == picked) & self.are_concentrated(doubted)
        after = corrected[np.arange(len(combined)), repicked]
        surest = np.where(is_as_before, np.minimum(before, after), 0.0)
        scored = ScoredReports(reports, encoded, scores, combined, repicked)
        return Answered(corrected, corrected, surest, scored, rates)

    def conclude(
        self, answered: Answered, evidence: Sequence[Evidence] | None
    ) -> list[LabelPrediction]:
        """Return one prediction per report, in order; None stands for no evidence."""
        scored = answered.scored
        label_sets = self.label_sets_.transform(answered.undoubted, scored.predicted)
        predictions = [
            self._prediction(report, row, float(surest), int(picked), in_label_set, row_evidence)
            for report, row, surest, picked, in_label_set, row_evidence in zip(
                scored.reports,
                answered.probabilities,
                answered.surest,
                scored.predicted,
                label_sets,
                evidence if evidence is not None else [Evidence()] * len(scored.reports),
                strict=True,
            )
        ]
        return self._name_rates(predictions, answered.rates)

    @abstractmethod
    def _prediction(
        self,
        report: IncidentReport,
        probabilities: Floats,
        surest: float,
        picked: int,
        in_label_set: NDArray[np.bool_],
        evidence: Evidence,
    ) -> LabelPrediction:
        """Return the prediction about one report, see `Answered`."""

    def _correct(self, probabilities: Floats, rates: LabelRates | None) -> Floats:
        """Return probabilities corrected to the rates of labels lately."""
        if rates is None:
            return probabilities
        factors = np.exp([rates.log_factors.get(label, 0.0) for label in self.classes_])
        corrected = probabilities * factors
        return np.asarray(corrected / corrected.sum(axis=1, keepdims=True))

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

    @abstractmethod
    def _pools(self) -> Mapping[str, ExpertPool]:
        """Return the fitted pools by name."""

    @abstractmethod
    def _combine_pools(self, scores: Scores) -> Floats:
        """Turn each pool's scores into calibrated probabilities of shape (reports, classes)."""

    def _combine(self, scores: Scores) -> Floats:
        probabilities = self._combine_pools(scores)
        if self.recent_past_ is None:
            return probabilities
        return self.recent_past_.mix(probabilities, scores[RECENT])

    def _scored_pools(self) -> dict[str, ScoredPool]:
        pools: dict[str, ScoredPool] = dict(self._pools())
        return pools if self.recent_past_ is None else pools | {RECENT: self.recent_past_}

    def _score(self, encoded: EncodedReports) -> Scores:
        return {name: pool.score(encoded) for name, pool in self._scored_pools().items()}

    def _probabilities(self, encoded: EncodedReports) -> Floats:
        return self._combine(self._score(encoded))

    def exemplars(self, batch: ScoredReports) -> list[tuple[Exemplar, ...]]:
        """Return the nearest past reports of each report, see `nearest_exemplars`."""
        return nearest_exemplars(
            next(iter(self._pools().values())),
            batch,
            self.example_ids_,
            self.example_labels_,
            self.classes_,
        )

    @property
    def explainer(self) -> Explainer:
        """What weighs the words and facts of reports."""
        return Explainer(self._scored_pools(), self._combine)

    @property
    def rung(self) -> str:
        """How much of the method the labels support: the highest of `RUNGS` among the pools."""
        self._check_trained()
        return max((method_level(pool.experts) for pool in self._pools().values()), key=RUNGS.index)

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


def explain_answers(
    models: Sequence[CalibratedPredictor], answers: Sequence[Answered]
) -> list[list[Evidence]]:
    """Return the evidence of each model's answers about the same reports, with exemplars."""
    batches = [answered.scored for answered in answers]
    weights = explain_together([model.explainer for model in models], batches)
    return [
        [
            replace(evidence, exemplars=nearest)
            for evidence, nearest in zip(of_model, model.exemplars(batch), strict=True)
        ]
        for model, batch, of_model in zip(models, batches, weights, strict=True)
    ]

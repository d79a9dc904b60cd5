"""The kind `choice`: one label out of several, such as a category or an assignment group."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder_weights import MINILM
from models.base.predictions import Alternative, ChoicePrediction, Evidence, LabelPrediction
from models.classification.calibrated_model import CalibratedModel, require_two_labels
from models.classification.cross_validation import Fold, Rows
from models.classification.expert_pool import CrossFit, ExpertPool, Floats
from models.classification.explanations import ScoredReports, Scores
from models.classification.fine_tuned_head import FineTunedHead

_ALTERNATIVES = 4


class ChoiceModel(CalibratedModel):
    """Predicts one unordered label by a calibrated pool of experts.

    `adapted` is a further expert: a classifier and its encoder, both fine-tuned on the labels.

    >>> from features.domain.report import Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"), Outcome(word))
    ...         for n in range(20) for word in ("printer", "network")]
    >>> model = ChoiceModel(encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="printer 99")])[0].label
    'printer'
    """

    def __init__(
        self,
        *,
        target: str = "category",
        encoder: str = MINILM,
        adapted: FineTunedHead | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(target=target, encoder=encoder, seed=seed)
        self.adapted = adapted

    @property
    def adapted_encoder(self) -> str | None:
        """The hash of the adapted encoder that the model also uses, None without one."""
        return None if self.adapted is None else self.adapted.encoder

    def predict(
        self, reports: Sequence[IncidentReport], rates: LabelRates | None = None
    ) -> list[LabelPrediction]:
        """Return one `ChoicePrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports, self.adapted_encoder)
        scores = self._score(encoded)
        answered = self._answer(self._combine(scores), rates)
        label_sets = self.label_sets_.transform(answered.undoubted, answered.picked)
        evidence = self._explain(ScoredReports(reports, encoded, scores, answered.picked))
        predictions = [
            self._prediction(row, float(surest), in_label_set, row_evidence)
            for row, surest, in_label_set, row_evidence in zip(
                answered.probabilities, answered.surest, label_sets, evidence, strict=True
            )
        ]
        return self._name_rates(predictions, rates)

    def _learn_classes(self, labels: Sequence[str]) -> None:
        require_two_labels(labels, self.target)
        self.classes_ = sorted(set(labels))

    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        self.pool_ = ExpertPool(classes=len(self.classes_), seed=self.seed, adapted=self.adapted)
        return self.pool_.fit(encoded, labels, folds).take_cross_fit()

    def _pools(self) -> dict[str, ExpertPool]:
        return {self.target: self.pool_}

    def _combine_pools(self, scores: Scores) -> Floats:
        return self.pool_.combine(scores[self.target])

    def _prediction(
        self,
        probabilities: Floats,
        surest: float,
        in_label_set: NDArray[np.bool_],
        evidence: Evidence,
    ) -> ChoicePrediction:
        order = np.argsort(-probabilities, kind="stable")
        label, confidence = self.classes_[order[0]], float(probabilities[order[0]])
        return ChoicePrediction(
            label=label,
            confidence=confidence,
            decision=self._decide(label, probabilities, surest),
            alternatives=tuple(
                Alternative(self.classes_[number], float(probabilities[number]))
                for number in order[1 : 1 + _ALTERNATIVES]
            ),
            label_set=tuple(self.classes_[number] for number in order[in_label_set[order]]),
            certificate=self.certification_.certificates.get(label),
            evidence=evidence,
        )

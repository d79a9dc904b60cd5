"""What answers a target with one label out of several."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from models.base.predictions import Alternative, ChoicePrediction, Evidence, LabelPrediction
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.evidence.explanations import ScoredReports, Scores
from models.classification.expert_pool import ExpertPool
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.scorers.scorer import Floats

_ALTERNATIVES = 4


class ChoicePredictor(CalibratedPredictor):
    """Answers with one unordered label; `ChoiceModel` learns it.

    `adapted` is a further expert: a classifier and its encoder, both fine-tuned on the labels.
    """

    pool_: ExpertPool

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
        self,
        reports: Sequence[IncidentReport],
        rates: LabelRates | None = None,
        *,
        with_evidence: bool = True,
    ) -> list[LabelPrediction]:
        """Return one `ChoicePrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports, self.adapted_encoder)
        scores = self._score(encoded)
        answered = self._answer(self._combine(scores), rates)
        label_sets = self.label_sets_.transform(answered.undoubted, answered.picked)
        scored = ScoredReports(reports, encoded, scores, answered.picked)
        evidence = self._explain(scored) if with_evidence else [Evidence()] * len(reports)
        predictions = [
            self._prediction(row, float(surest), in_label_set, row_evidence)
            for row, surest, in_label_set, row_evidence in zip(
                answered.probabilities, answered.surest, label_sets, evidence, strict=True
            )
        ]
        return self._name_rates(predictions, rates)

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

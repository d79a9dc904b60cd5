"""What answers a target with one label out of several."""

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from models.base.predictions import Alternative, ChoicePrediction, Evidence
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.evidence.explanations import Scores
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

    def _pools(self) -> dict[str, ExpertPool]:
        return {self.target: self.pool_}

    def _combine_pools(self, scores: Scores) -> Floats:
        return self.pool_.combine(scores[self.target])

    def _prediction(
        self,
        report: IncidentReport,  # noqa: ARG002
        probabilities: Floats,
        surest: float,
        picked: int,
        in_label_set: NDArray[np.bool_],
        evidence: Evidence,
    ) -> ChoicePrediction:
        order = np.argsort(-probabilities, kind="stable")
        label, confidence = self.classes_[picked], float(probabilities[picked])
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

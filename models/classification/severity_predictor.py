"""What answers a target with an ordered level."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from models.base.predictions import (
    Alternative,
    Decision,
    Evidence,
    SeverityPrediction,
)
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.evidence.explanations import Scores
from models.classification.expert_pool import ExpertPool
from models.classification.log_linear_pool import TopCalibration
from models.classification.ordinal_decision import plain_cuts, rate, threshold_probabilities
from models.classification.scorers.scorer import Floats, Rows
from models.classification.stated_severity import StatedSeverity, stated_severity

_SHARE_OF_HISTORY = 0.01
_EVEN = 0.5
_UNSUPPORTED = "the incidents have changed, and confidence did not hold after such a change before"


class SeverityPredictor(CalibratedPredictor):
    """Answers with the level of least expected cost; `SeverityModel` learns it and has the method.

    `levels` lists the levels with the least severe first. A level too low costs
    `under_rating_cost` times as much as a level too high.
    """

    pools_: dict[str, ExpertPool]
    shares_: Floats
    calibration_: TopCalibration
    cuts_: Floats

    def __init__(
        self,
        *,
        target: str = "severity",
        levels: Sequence[str] = (),
        under_rating_cost: float = 1.25,
        encoder: str = MINILM,
        seed: int = 0,
    ) -> None:
        super().__init__(target=target, encoder=encoder, seed=seed)
        self.levels = levels
        self.under_rating_cost = under_rating_cost

    def pick(self, probabilities: Floats) -> Rows:
        """Return the rank of least expected cost for each row of probabilities, by `cuts_`."""
        return rate(probabilities, self.cuts_)

    def _pick_corrected(self, probabilities: Floats) -> Rows:
        """Return ranks by plain cuts: learned cuts depend on the shares that levels had before."""
        cuts = plain_cuts(len(self.classes_), under_rating_cost=self.under_rating_cost)
        return rate(probabilities, cuts)

    def may_be_auto(self, reports: Sequence[IncidentReport], predicted: Rows) -> NDArray[np.bool_]:
        """Return which reports are rated at least as severe as their sender stated."""
        return np.array(
            [
                not _is_below(int(rank), self._stated(report))
                for report, rank in zip(reports, predicted, strict=True)
            ],
            dtype=np.bool_,
        )

    def _stated(self, report: IncidentReport) -> StatedSeverity | None:
        return stated_severity(report.attributes, self.classes_, self.target)

    def _pools(self) -> dict[str, ExpertPool]:
        return self.pools_

    def _combine_pools(self, scores: Scores) -> Floats:
        at_least = {rank: pool.combine(scores[rank])[:, 1] for rank, pool in self.pools_.items()}
        reports = next(iter(scores.values())).shape[1]
        return self.calibration_.transform(self._levels(at_least, reports))

    def _levels(self, at_least: dict[str, Floats], reports: int) -> Floats:
        """Turn probabilities of "at least this severe" into probabilities of levels.

        The probability of a threshold without a pool is the share of the history that reaches it.
        """
        thresholds = np.ones((reports, len(self.classes_) + 1))
        thresholds[:, -1] = 0
        for rank in range(1, len(self.classes_)):
            share = self.shares_[rank:].sum()
            thresholds[:, rank] = at_least.get(str(rank), np.full(reports, share))
        levels = -np.diff(np.minimum.accumulate(thresholds, axis=1), axis=1)
        # Where thresholds cross, a level would get probability 0, which no history justifies.
        return np.asarray((1 - _SHARE_OF_HISTORY) * levels + _SHARE_OF_HISTORY * self.shares_)

    def _prediction(
        self,
        report: IncidentReport,
        probabilities: Floats,
        surest: float,
        picked: int,
        in_label_set: NDArray[np.bool_],
        evidence: Evidence,
    ) -> SeverityPrediction:
        rank = picked
        label, confidence = self.classes_[rank], float(probabilities[rank])
        order = np.argsort(-probabilities, kind="stable").tolist()
        decision = self._decide(label, probabilities, surest)
        stated = self._stated(report)
        is_lowered = _is_below(rank, stated)
        return SeverityPrediction(
            label=label,
            rank=rank,
            confidence=confidence,
            expected_rank=float(probabilities @ np.arange(len(probabilities))),
            decision=Decision.SUGGEST if is_lowered and decision is Decision.AUTO else decision,
            alternatives=tuple(
                Alternative(self.classes_[number], float(probabilities[number]))
                for number in order
                if number != rank
            ),
            label_set=tuple(self.classes_[number] for number in np.flatnonzero(in_label_set)),
            certificate=self.certification_.certificates.get(label),
            evidence=evidence,
            stated=None if stated is None else stated.text,
            stated_rank=None if stated is None else stated.rank,
            likeliest=None if order[0] == rank else self.classes_[order[0]],
            why=(
                *([_UNSUPPORTED] if self.drift_doubt_.abstains else []),
                *([_explain_lowering(stated, label)] if stated and is_lowered else []),
                *([] if order[0] == rank else [self._explain_cost(probabilities, rank, order[0])]),
            ),
        )

    def _explain_cost(self, probabilities: Floats, rank: int, likeliest: int) -> str:
        """Return why the level of least expected cost is not the likeliest level."""
        likelier = f"{self.classes_[likeliest]} is likelier ({probabilities[likeliest]:.0%})"
        reached = threshold_probabilities(probabilities[None, :])[0]
        if rank < likeliest:
            above = f"{self._at_least(rank + 1)} has only {reached[rank]:.0%}"
            return f"rated down: {above}, although {likelier}"
        if reached[rank - 1] > _EVEN:
            return f"rated up: {self._at_least(rank)} has {reached[rank - 1]:.0%}; {likelier}"
        label = self.classes_[rank]
        return f"rated up: missing a {label} costs more than a false alarm; {likelier}"

    def _at_least(self, rank: int) -> str:
        is_highest = rank == len(self.classes_) - 1
        return self.classes_[rank] if is_highest else f"{self.classes_[rank]} or more severe"


def _is_below(rank: int, stated: StatedSeverity | None) -> bool:
    return stated is not None and stated.rank is not None and rank < stated.rank


def _explain_lowering(stated: StatedSeverity, label: str) -> str:
    return (
        f"the sender stated {stated.text}, which is more severe than {label}: a person decides "
        "whether to lower it"
    )

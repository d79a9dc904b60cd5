"""The kind `severity`: an ordered level, rated through one question per threshold."""

from collections.abc import Sequence

import numpy as np

from features.encoding.encoded import EncodedReports
from features.encoding.weights import MINILM
from features.errors import NotEnoughHistory
from features.incident.report import IncidentReport
from models.calibrated import CalibratedModel, require_two_labels
from models.combination import TopCalibration
from models.evidence import explain, nearest_exemplars
from models.expert_pool import CrossFit, ExpertPool, Floats
from models.folds import Fold, Rows
from models.prediction import Alternative, Evidence, Prediction, SeverityPrediction

_SET_COVERAGE = 0.9
_NEVER_SURE = 0.01


class SeverityModel(CalibratedModel):
    """Predicts an ordered level by cumulative thresholds (Frank and Hall 2001).

    `levels` lists the levels with the least severe first. For each threshold a pool of experts
    answers "is it at least this severe?"; differences of the answers are the levels' probabilities.
    `label` is the level of least expected cost, where rating a level too low costs
    `under_rating_cost` times as much as rating it too high.

    >>> from features.incident.report import Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"),
    ...         Outcome(severity=word)) for n in range(20) for word in ("slow", "down")]
    >>> model = SeverityModel(levels=("slow", "down"), encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="down 99")])[0].rank
    1
    """

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

    def predict(self, reports: Sequence[IncidentReport]) -> list[Prediction]:
        """Return one `SeverityPrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports)
        probabilities = self._probabilities(encoded)
        ranks = self.cheapest_ranks(probabilities)
        evidence = self._evidence(reports, encoded, ranks)
        return [
            self._prediction(row, int(rank), because)
            for row, rank, because in zip(probabilities, ranks, evidence, strict=True)
        ]

    def cheapest_ranks(self, probabilities: Floats) -> Rows:
        """Return the rank of least expected cost for each row of probabilities."""
        ranks = np.arange(len(self.classes_))
        too_low = np.maximum(ranks[:, None] - ranks[None, :], 0)
        cost = self.under_rating_cost * too_low + too_low.T
        return np.asarray((probabilities @ cost).argmin(axis=1), dtype=np.int64)

    def _learn_classes(self, labels: Sequence[str]) -> None:
        require_two_labels(labels, self.target)
        if not set(labels) <= set(self.levels):
            raise NotEnoughHistory(
                "severity has labels outside its levels; state `order` in the mapping"
            )
        self.classes_ = list(self.levels)

    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        self.pools_ = {}
        for rank in range(1, len(self.classes_)):
            reached = (labels >= rank).astype(np.int64)
            if any(_can_judge(fold, reached) for fold in folds):
                pool = ExpertPool(classes=2, seed=self.seed)
                self.pools_[str(rank)] = pool.fit(encoded, reached, folds)
        if not self.pools_:
            raise NotEnoughHistory(
                f"{self.target} has too few examples of every level but one; give a longer history"
            )
        self.shares_ = np.bincount(labels, minlength=len(self.classes_)) / len(labels)
        held_out = self._held_out_levels(len(labels))
        wanted = labels[held_out.rows]
        self.calibration_ = TopCalibration().fit(held_out.probabilities, wanted)
        return _cross_calibrated(held_out, wanted, folds)

    def _held_out_levels(self, examples: int) -> CrossFit:
        """Return the levels of the rows that some threshold judged, not yet calibrated.

        A threshold that did not judge such a row, for want of examples in the past, gives its
        share.
        """
        found = {rank: pool.take_cross_fit() for rank, pool in self.pools_.items()}
        reached = {}
        for rank, judged in found.items():
            reached[rank] = np.full(examples, self.shares_[int(rank) :].sum())
            reached[rank][judged.rows] = judged.probabilities[:, 1]
        rows = np.unique(np.concatenate([judged.rows for judged in found.values()]))
        return CrossFit(rows, self._levels(reached, examples)[rows])

    def _probabilities(self, encoded: EncodedReports) -> Floats:
        reached = {rank: pool.predict_proba(encoded)[:, 1] for rank, pool in self.pools_.items()}
        return self.calibration_.transform(self._levels(reached, len(encoded)))

    def _levels(self, reached: dict[str, Floats], reports: int) -> Floats:
        """Turn "at least this severe" into levels; a threshold without a model keeps its share."""
        at_least = np.ones((reports, len(self.classes_) + 1))
        at_least[:, -1] = 0
        for rank in range(1, len(self.classes_)):
            share = self.shares_[rank:].sum()
            at_least[:, rank] = reached.get(str(rank), np.full(reports, share))
        levels = -np.diff(np.minimum.accumulate(at_least, axis=1), axis=1)
        # Thresholds that cross leave a level nothing at all, which no history can justify.
        return np.asarray((1 - _NEVER_SURE) * levels + _NEVER_SURE * self.shares_)

    def _evidence(
        self, reports: Sequence[IncidentReport], encoded: EncodedReports, ranks: Rows
    ) -> list[Evidence]:
        """Explain each level by the threshold that it reached, the lowest by the first one."""
        found: dict[int, Evidence] = {}
        asked = [self._asked_threshold(int(rank)) for rank in ranks]
        for threshold in sorted(set(asked)):
            rows = np.flatnonzero([one == threshold for one in asked])
            pool, here = self.pools_[threshold], encoded.take(rows)
            near = nearest_exemplars(pool, here, self.example_ids_, self._example_labels())
            reached = (ranks[rows] >= int(threshold)).astype(np.int64)
            because = explain(pool, [reports[int(row)] for row in rows], here, reached, near)
            found.update(zip(rows.tolist(), because, strict=True))
        return [found[row] for row in range(len(reports))]

    def _asked_threshold(self, rank: int) -> str:
        asked = [threshold for threshold in self.pools_ if int(threshold) <= rank]
        return asked[-1] if asked else next(iter(self.pools_))

    def _prediction(
        self, probabilities: Floats, rank: int, evidence: Evidence
    ) -> SeverityPrediction:
        label, confidence = self.classes_[rank], float(probabilities[rank])
        others = [number for number in np.argsort(-probabilities, kind="stable") if number != rank]
        return SeverityPrediction(
            label=label,
            rank=rank,
            confidence=confidence,
            expected_rank=float(probabilities @ np.arange(len(probabilities))),
            decision=self._decide(label, probabilities, confidence),
            alternatives=tuple(
                Alternative(self.classes_[number], float(probabilities[number]))
                for number in others
            ),
            label_set=self._contiguous_set(probabilities, rank),
            certificate=self.certification_.certificates.get(label),
            evidence=evidence,
        )

    def _contiguous_set(self, probabilities: Floats, rank: int) -> tuple[str, ...]:
        low = high = rank
        while probabilities[low : high + 1].sum() < _SET_COVERAGE:
            below = probabilities[low - 1] if low > 0 else -1.0
            above = probabilities[high + 1] if high + 1 < len(probabilities) else -1.0
            if max(below, above) < 0:
                break
            low, high = (low - 1, high) if below > above else (low, high + 1)
        return tuple(self.classes_[low : high + 1])


def _can_judge(fold: Fold, reached: Rows) -> bool:
    return len(fold.judge) > 0 and len(set(reached[fold.fit])) > 1


def _cross_calibrated(held_out: CrossFit, labels: Rows, folds: Sequence[Fold]) -> CrossFit:
    """Calibrate each fold's levels by what the other folds taught."""
    levels, calibrated = held_out.probabilities, held_out.probabilities.copy()
    for fold in folds:
        here = np.isin(held_out.rows, fold.judge)
        others = ~here if (~here).any() else here
        if here.any():
            calibration = TopCalibration().fit(levels[others], labels[others])
            calibrated[here] = calibration.transform(levels[here])
    return CrossFit(held_out.rows, calibrated)

"""The kind `severity`: an ordered level, rated through one question per threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder_weights import MINILM
from features.errors import NotEnoughHistory
from models.base.predictions import Alternative, Evidence, LabelPrediction, SeverityPrediction
from models.classification.calibrated_model import CalibratedModel, require_two_labels
from models.classification.cross_validation import Fold, Rows, fold_weights
from models.classification.expert_pool import CrossFit, ExpertPool, Floats
from models.classification.explanations import ScoredReports, Scores
from models.classification.log_linear_pool import TopCalibration
from models.classification.ordinal_decision import cost_beside_chance, learn_cuts, plain_cuts, rate

_NEVER_SURE = 0.01


class SeverityModel(CalibratedModel):
    """Predicts an ordered level by cumulative thresholds (Frank and Hall 2001).

    `levels` lists the levels with the least severe first. For each threshold a pool of experts
    answers "is it at least this severe?"; differences of the answers are the levels' probabilities.
    `label` is the level of least expected cost beyond chance, where rating a level too low costs
    `under_rating_cost` times as much as rating it too high (see `ordinal_decision`).

    >>> from features.domain.report import Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"),
    ...         Outcome(severity=word)) for n in range(20) for word in ("slow", "down")]
    >>> model = SeverityModel(levels=("slow", "down"), encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="down 99")])[0].rank
    1
    """

    is_ordered: ClassVar[bool] = True

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

    def predict(self, reports: Sequence[IncidentReport]) -> list[LabelPrediction]:
        """Return one `SeverityPrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports)
        scores = self._score(encoded)
        probabilities = self._combine(scores)
        ranks = self.cheapest_ranks(probabilities)
        sets = self.label_sets_.transform(probabilities, ranks)
        evidence = self._explain(ScoredReports(reports, encoded, scores, ranks))
        return [
            self._prediction(row, int(rank), held, because)
            for row, rank, held, because in zip(probabilities, ranks, sets, evidence, strict=True)
        ]

    def cheapest_ranks(self, probabilities: Floats) -> Rows:
        """Return the rank of least expected cost beyond chance for each row of probabilities."""
        return rate(probabilities, self.cuts_)

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
        calibrated = _cross_calibrated(held_out, wanted, folds)
        return self._choose_cuts(calibrated, wanted, folds)

    def _choose_cuts(self, found: CrossFit, labels: Rows, folds: Sequence[Fold]) -> CrossFit:
        """Set `cuts_`: the learned ones where those of other folds beat the plain ones.

        Learned cuts follow the shares of the levels, which another organisation may not have.
        """
        cost, weights = self.under_rating_cost, fold_weights(folds, found.rows)
        learned = np.empty(len(labels), dtype=np.int64)
        for here, others in _each_fold(found.rows, folds):
            known = found.probabilities[others], labels[others], weights[others]
            learned[here] = rate(
                found.probabilities[here], learn_cuts(*known, under_rating_cost=cost)
            )
        self.cuts_ = plain_cuts(len(self.classes_), under_rating_cost=cost)
        plain = rate(found.probabilities, self.cuts_)
        costs = [
            cost_beside_chance(labels, ranks, weights, under_rating_cost=cost)
            for ranks in (learned, plain)
        ]
        if costs[0] >= costs[1]:
            return replace(found, predicted=plain)
        self.cuts_ = learn_cuts(found.probabilities, labels, weights, under_rating_cost=cost)
        return replace(found, predicted=learned)

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

    def _pools(self) -> dict[str, ExpertPool]:
        return self.pools_

    def _combine(self, scores: Scores) -> Floats:
        reached = {rank: pool.combine(scores[rank])[:, 1] for rank, pool in self.pools_.items()}
        reports = next(iter(scores.values())).shape[1]
        return self.calibration_.transform(self._levels(reached, reports))

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

    def _prediction(
        self, probabilities: Floats, rank: int, held: NDArray[np.bool_], evidence: Evidence
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
            label_set=tuple(self.classes_[number] for number in np.flatnonzero(held)),
            certificate=self.certification_.certificates.get(label),
            evidence=evidence,
        )


def _can_judge(fold: Fold, reached: Rows) -> bool:
    return len(fold.judge) > 0 and len(set(reached[fold.fit])) > 1


def _cross_calibrated(held_out: CrossFit, labels: Rows, folds: Sequence[Fold]) -> CrossFit:
    """Calibrate each fold's levels by what the other folds taught."""
    levels, calibrated = held_out.probabilities, held_out.probabilities.copy()
    for here, others in _each_fold(held_out.rows, folds):
        calibration = TopCalibration().fit(levels[others], labels[others])
        calibrated[here] = calibration.transform(levels[here])
    return CrossFit(held_out.rows, calibrated)


def _each_fold(
    rows: Rows, folds: Sequence[Fold]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield which rows each fold judged and which the others did; a lone fold teaches itself."""
    for fold in folds:
        here = np.isin(rows, fold.judge)
        if here.any():
            yield here, ~here if (~here).any() else here

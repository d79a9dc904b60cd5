"""The kind `severity`: an ordered level, predicted by one pool of experts per threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.encoder_weights import MINILM
from features.errors import NotEnoughHistory
from models.base.predictions import (
    Alternative,
    Decision,
    Evidence,
    LabelPrediction,
    SeverityPrediction,
)
from models.classification.calibrated_model import CalibratedModel, require_two_labels
from models.classification.cross_validation import Fold, Rows, fold_weights
from models.classification.expert_pool import CrossFit, ExpertPool, Floats
from models.classification.explanations import ScoredReports, Scores
from models.classification.log_linear_pool import TopCalibration
from models.classification.ordinal_decision import (
    cost_beside_chance,
    learn_cuts,
    plain_cuts,
    rate,
    threshold_probabilities,
)
from models.classification.stated_severity import StatedSeverity, stated_severity

_SHARE_OF_HISTORY = 0.01
_EVEN = 0.5
_UNSUPPORTED = "the incidents have changed, and confidence did not hold after such a change before"


class SeverityModel(CalibratedModel):
    """Predicts an ordered level by cumulative thresholds (Frank and Hall 2001).

    `levels` lists the levels with the least severe first. For each threshold, a pool of experts
    gives the probability of "at least this severe"; the differences between the probabilities of
    successive thresholds are the levels' probabilities. The predicted level has the least expected
    cost, where a level too low costs `under_rating_cost` times as much as a level too high. The
    cost is corrected for chance if this lowers the cost on held-out folds (see `ordinal_decision`).
    A level below the level that the sender of the report stated is never `auto`.

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

    def predict(
        self, reports: Sequence[IncidentReport], rates: LabelRates | None = None
    ) -> list[LabelPrediction]:
        """Return one `SeverityPrediction` per report, in order."""
        self._check_trained()
        if not reports:
            return []
        encoded = self._encode(reports)
        scores = self._score(encoded)
        answered = self._answer(self._combine(scores), rates)
        label_sets = self.label_sets_.transform(answered.undoubted, answered.picked)
        evidence = self._explain(ScoredReports(reports, encoded, scores, answered.picked))
        predictions = [
            self._prediction(report, row, float(surest), int(rank), in_label_set, row_evidence)
            for report, row, surest, rank, in_label_set, row_evidence in zip(
                reports,
                answered.probabilities,
                answered.surest,
                answered.picked,
                label_sets,
                evidence,
                strict=True,
            )
        ]
        return self._name_rates(predictions, rates)

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

    def _learn_classes(self, labels: Sequence[str]) -> None:
        require_two_labels(labels, self.target)
        if not set(labels) <= set(self.levels):
            raise NotEnoughHistory(
                f"{self.target} has labels outside its levels; state `order` in the mapping"
            )
        self.classes_ = list(self.levels)

    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        self.pools_ = {}
        for rank in range(1, len(self.classes_)):
            is_reached = (labels >= rank).astype(np.int64)
            if any(_is_usable(fold, is_reached) for fold in folds):
                pool = ExpertPool(classes=2, seed=self.seed)
                self.pools_[str(rank)] = pool.fit(encoded, is_reached, folds)
        if not self.pools_:
            raise NotEnoughHistory(
                f"{self.target} has too few examples of every level but one; give a longer history"
            )
        self.shares_ = np.bincount(labels, minlength=len(self.classes_)) / len(labels)
        held_out = self._held_out_levels(len(labels))
        ranks = labels[held_out.rows]
        self.calibration_ = TopCalibration().fit(held_out.probabilities, ranks)
        return _cross_calibrate(held_out, ranks, folds)

    def _choose_labels(self, cross_fit: CrossFit, labels: Rows, folds: Sequence[Fold]) -> CrossFit:
        """Set `cuts_` to learned cuts if these cost less on held-out folds, else to plain cuts.

        Plain cuts are the default, because learned cuts depend on the shares of the levels, which
        may differ in another organisation, and do differ after a change: with experts of the recent
        past, cuts are plain. Returns the cross-fit with its predicted ranks.
        """
        probabilities, rows = cross_fit.probabilities, cross_fit.rows
        cost, weights = self.under_rating_cost, fold_weights(folds, rows)
        self.cuts_ = plain_cuts(len(self.classes_), under_rating_cost=cost)
        plain_ranks = rate(probabilities, self.cuts_)
        if self.recent_past_ is not None:
            return replace(cross_fit, predicted=plain_ranks)
        learned_ranks = np.empty(len(labels), dtype=np.int64)
        for in_fold, others in _fold_masks(rows, folds):
            cuts = learn_cuts(
                probabilities[others], labels[others], weights[others], under_rating_cost=cost
            )
            learned_ranks[in_fold] = rate(probabilities[in_fold], cuts)
        learned_cost, plain_cost = (
            cost_beside_chance(labels, ranks, weights, under_rating_cost=cost)
            for ranks in (learned_ranks, plain_ranks)
        )
        if learned_cost >= plain_cost:
            return replace(cross_fit, predicted=plain_ranks)
        self.cuts_ = learn_cuts(probabilities, labels, weights, under_rating_cost=cost)
        return replace(cross_fit, predicted=learned_ranks)

    def _held_out_levels(self, examples: int) -> CrossFit:
        """Return uncalibrated level probabilities of the rows that at least one pool held out.

        Another pool may not have held out such a row, because the fitted rows of the row's fold are
        all on one side of the pool's threshold. As the probability of this threshold, the share of
        the history that reaches it is used.
        """
        cross_fits = {rank: pool.take_cross_fit() for rank, pool in self.pools_.items()}
        at_least = {}
        for rank, cross_fit in cross_fits.items():
            at_least[rank] = np.full(examples, self.shares_[int(rank) :].sum())
            at_least[rank][cross_fit.rows] = cross_fit.probabilities[:, 1]
        rows = np.unique(np.concatenate([cross_fit.rows for cross_fit in cross_fits.values()]))
        return CrossFit(rows, self._levels(at_least, examples)[rows])

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
        rank: int,
        in_label_set: NDArray[np.bool_],
        evidence: Evidence,
    ) -> SeverityPrediction:
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


def _is_usable(fold: Fold, is_reached: Rows) -> bool:
    return len(fold.judge) > 0 and len(set(is_reached[fold.fit])) > 1


def _cross_calibrate(held_out: CrossFit, labels: Rows, folds: Sequence[Fold]) -> CrossFit:
    """Return level probabilities, calibrated for each fold by a fit on the other folds."""
    levels, calibrated = held_out.probabilities, held_out.probabilities.copy()
    for in_fold, others in _fold_masks(held_out.rows, folds):
        calibration = TopCalibration().fit(levels[others], labels[others])
        calibrated[in_fold] = calibration.transform(levels[in_fold])
    return CrossFit(held_out.rows, calibrated)


def _fold_masks(
    rows: Rows, folds: Sequence[Fold]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield masks of each fold's held-out rows and of the other folds' rows.

    If only one fold has rows, its mask is also used for the other folds.
    """
    for fold in folds:
        in_fold = np.isin(rows, fold.judge)
        if in_fold.any():
            yield in_fold, ~in_fold if (~in_fold).any() else in_fold

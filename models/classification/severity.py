"""The kind `severity`: an ordered level, predicted by one pool of experts per threshold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoded_reports import EncodedReports
from features.errors import NotEnoughHistory
from models.classification.calibrated_model import CalibratedModel, require_two_labels
from models.classification.calibrated_predictor import CalibratedPredictor
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold, fold_weights
from models.classification.learning.fit_expert_pool import FittedPool, fit_expert_pool
from models.classification.log_linear_pool import TopCalibration
from models.classification.ordinal_decision import (
    cost_beside_chance,
    learn_cuts,
    plain_cuts,
    rate,
)
from models.classification.scorers.scorer import Rows
from models.classification.severity_predictor import SeverityPredictor


class SeverityModel(SeverityPredictor, CalibratedModel):
    """Predicts an ordered level by cumulative thresholds (Frank and Hall 2001).

    `levels` lists the levels with the least severe first. For each threshold, a pool of experts
    gives the probability of "at least this severe"; the differences between the probabilities of
    successive thresholds are the levels' probabilities. The predicted level has the least expected
    cost, where a level too low costs `under_rating_cost` times as much as a level too high. The
    cost is corrected for chance if this lowers the cost on held-out folds (see `ordinal_decision`).
    A level below the level that the sender of the report stated is never `auto`.

    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{word} {n}"),
    ...         Outcome(severity=word)) for n in range(20) for word in ("slow", "down")]
    >>> model = SeverityModel(levels=("slow", "down"), encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="down 99")])[0].rank
    1
    """

    is_ordered: ClassVar[bool] = True
    answers_with: ClassVar[type[CalibratedPredictor]] = SeverityPredictor

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
        fitted: dict[str, FittedPool] = {}
        for rank in range(1, len(self.classes_)):
            is_reached = (labels >= rank).astype(np.int64)
            if any(_is_usable(fold, is_reached) for fold in folds):
                fitted[str(rank)] = fit_expert_pool(
                    encoded, is_reached, folds, classes=2, seed=self.seed
                )
        if not fitted:
            raise NotEnoughHistory(
                f"{self.target} has too few examples of every level but one; give a longer history"
            )
        self.shares_ = np.bincount(labels, minlength=len(self.classes_)) / len(labels)
        self.pools_ = {rank: one.pool for rank, one in fitted.items()}
        self.pipelines_ |= {rank: one.pipelines for rank, one in fitted.items()}
        cross_fits = {rank: one.cross_fit for rank, one in fitted.items()}
        held_out = self._held_out_levels(cross_fits, len(labels))
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

    def _held_out_levels(self, cross_fits: Mapping[str, CrossFit], examples: int) -> CrossFit:
        """Return uncalibrated level probabilities of the rows that at least one pool held out.

        Another pool may not have held out such a row, because the fitted rows of the row's fold are
        all on one side of the pool's threshold. As the probability of this threshold, the share of
        the history that reaches it is used.
        """
        at_least = {}
        for rank, cross_fit in cross_fits.items():
            at_least[rank] = np.full(examples, self.shares_[int(rank) :].sum())
            at_least[rank][cross_fit.rows] = cross_fit.probabilities[:, 1]
        rows = np.unique(np.concatenate([cross_fit.rows for cross_fit in cross_fits.values()]))
        return CrossFit(rows, self._levels(at_least, examples)[rows])


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

"""A pool of experts, fitted on folds to learn how far each can be trusted, then on everything."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from features.encoding.encoded_reports import EncodedReports
from features.errors import NotEnoughHistory
from models.classification.cross_validation import Fold, Rows
from models.classification.experts import choose_experts, expert_scores
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.log_linear_pool import LogLinearPool, TopCalibration

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Calibrated probabilities of rows by models that saw neither the row nor its copies.

    `rows` numbers the judged examples, `probabilities` has shape (rows, classes). `predicted`
    numbers the answered classes where these are not simply the likeliest.
    """

    rows: Rows
    probabilities: Floats
    predicted: Rows | None = None


class ExpertPool(BaseEstimator):  # type: ignore[misc]
    """Experts, their log-linear pool and the calibration of its top class.

    Labels number the classes 0 to `classes` - 1. Each expert is fitted on every fold; the scores of
    the judged rows train pool and calibration; then each expert is fitted on all rows. `adapted` is
    one expert more, fitted with its encoder; the folds bring its scores.
    """

    def __init__(
        self, *, classes: int, seed: int = 0, adapted: FineTunedHead | None = None
    ) -> None:
        self.classes = classes
        self.seed = seed
        self.adapted = adapted

    def fit(self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]) -> Self:
        """Learn, keeping the cross-fitted probabilities in `cross_fit_`."""
        experts = choose_experts(encoded, classes=self.classes, seed=self.seed)
        usable = [fold for fold in folds if len(fold.judge) and len(set(labels[fold.fit])) > 1]
        if not usable:
            raise NotEnoughHistory("no fold has two labels to learn from; give a longer history")
        tasks = [
            delayed(_fold_scores)(experts, encoded, labels, fold, self.classes) for fold in usable
        ]
        tasks += [delayed(_fitted)(expert, encoded, labels) for expert in experts.values()]
        scores = Parallel(n_jobs=-1)(tasks)
        self.experts_ = dict(zip(experts, scores[len(usable) :], strict=True))
        if self.adapted is not None:
            self.experts_["adapted"] = self.adapted
        # Spinning BLAS threads cost these small problems many times their own work.
        with threadpool_limits(1):
            self._learn_trust(scores[: len(usable)], labels, usable)
        return self

    def take_cross_fit(self) -> CrossFit:
        """Hand over the cross-fitted probabilities; a saved pool keeps none of them."""
        found = self.cross_fit_
        del self.cross_fit_
        return found

    def predict_proba(self, encoded: EncodedReports) -> Floats:
        """Return calibrated probabilities of shape (reports, classes)."""
        return self.combine(self.score(encoded))

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the experts' scores, of shape (experts, reports, classes)."""
        return expert_scores(self.experts_, encoded, self.classes)

    def combine(self, scores: Floats) -> Floats:
        """Return calibrated probabilities for scores of shape (experts, reports, classes)."""
        return self.calibration_.transform(self.pool_.predict_proba(scores))

    def _learn_trust(self, scores: list[Floats], labels: Rows, folds: list[Fold]) -> None:
        rows = np.concatenate([fold.judge for fold in folds])
        fold_of = np.repeat(np.arange(len(folds)), [len(fold.judge) for fold in folds])
        held_out = np.concatenate(scores, axis=1)
        seen = np.concatenate([np.isin(labels[fold.judge], labels[fold.fit]) for fold in folds])
        self.pool_, self.calibration_ = _trust(held_out, labels[rows], seen)
        self.cross_fit_ = CrossFit(rows, _cross_combined(held_out, labels[rows], seen, fold_of))


def _fitted(expert: Pipeline, encoded: EncodedReports, labels: Rows) -> Pipeline:
    with threadpool_limits(1), warnings.catch_warnings():
        # The network stops early on purpose; fewer rounds generalise better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # With few rows its batches are clipped to them, as they should be.
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        return clone(expert).fit(encoded, labels)


def _fold_scores(
    experts: dict[str, Pipeline], encoded: EncodedReports, labels: Rows, fold: Fold, classes: int
) -> Floats:
    seen = encoded.take(fold.fit)
    fitted = {name: _fitted(expert, seen, labels[fold.fit]) for name, expert in experts.items()}
    scores = expert_scores(fitted, encoded.take(fold.judge), classes)
    if fold.adapted_scores is None:
        return scores
    return np.concatenate([scores, fold.adapted_scores[None, fold.judge]])


def _trust(
    scores: Floats, labels: Rows, seen: NDArray[np.bool_]
) -> tuple[LogLinearPool, TopCalibration]:
    # A row whose class no expert had seen would teach to distrust the expert who is right.
    pool = LogLinearPool().fit(scores[:, seen], labels[seen])
    return pool, TopCalibration().fit(pool.predict_proba(scores), labels)


def _cross_combined(scores: Floats, labels: Rows, seen: NDArray[np.bool_], fold_of: Rows) -> Floats:
    """Combine each fold's scores by a pool that was trained on the other folds."""
    combined = np.empty(scores.shape[1:])
    for fold in np.unique(fold_of):
        here = fold_of == fold
        others = ~here if (~here).any() else here
        pool, calibration = _trust(scores[:, others], labels[others], seen[others])
        combined[here] = calibration.transform(pool.predict_proba(scores[:, here]))
    return combined

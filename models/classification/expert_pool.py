"""A pool of experts, which are fitted on folds to learn their weights, and then on all rows."""

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
    """Probabilities of held-out rows, each by a model that was fitted without the row.

    `rows` are the row numbers of the examples, `probabilities` has shape (rows, classes).
    `predicted` are the numbers of the predicted classes, None if these are the likeliest classes.
    """

    rows: Rows
    probabilities: Floats
    predicted: Rows | None = None


class ExpertPool(BaseEstimator):  # type: ignore[misc]
    """Experts, their log-linear pool and the calibration of the likeliest class.

    Labels are class numbers from 0 to `classes` - 1. Each expert is fitted on every fold; the
    scores of the held-out rows train the pool's weights and the calibration. Then each expert is
    fitted on all rows. `adapted` is a further expert, which was fitted beforehand together with its
    encoder; the folds contain its scores.
    """

    def __init__(
        self, *, classes: int, seed: int = 0, adapted: FineTunedHead | None = None
    ) -> None:
        self.classes = classes
        self.seed = seed
        self.adapted = adapted

    def fit(self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]) -> Self:
        """Learn from all rows, and keep the cross-fitted probabilities in `cross_fit_`."""
        experts = choose_experts(encoded, classes=self.classes, seed=self.seed)
        usable = [fold for fold in folds if len(fold.judge) and len(set(labels[fold.fit])) > 1]
        if not usable:
            raise NotEnoughHistory("no fold has two labels to learn from; give a longer history")
        tasks = [
            delayed(_fold_scores)(experts, encoded, labels, fold, self.classes) for fold in usable
        ]
        tasks += [delayed(_fit_expert)(expert, encoded, labels) for expert in experts.values()]
        scores = Parallel(n_jobs=-1)(tasks)
        self.experts_ = dict(zip(experts, scores[len(usable) :], strict=True))
        if self.adapted is not None:
            self.experts_["adapted"] = self.adapted
        # On these small problems, BLAS threads mostly wait for each other.
        with threadpool_limits(1):
            self._learn_pool(scores[: len(usable)], labels, usable)
        return self

    def take_cross_fit(self) -> CrossFit:
        """Return the cross-fitted probabilities, and delete them so that they are not saved."""
        cross_fit = self.cross_fit_
        del self.cross_fit_
        return cross_fit

    def predict_proba(self, encoded: EncodedReports) -> Floats:
        """Return calibrated probabilities of shape (reports, classes)."""
        return self.combine(self.score(encoded))

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the experts' scores, of shape (experts, reports, classes)."""
        return expert_scores(self.experts_, encoded, self.classes)

    def combine(self, scores: Floats) -> Floats:
        """Return calibrated probabilities for scores of shape (experts, reports, classes)."""
        return self.calibration_.transform(self.pool_.predict_proba(scores))

    def _learn_pool(self, scores: list[Floats], labels: Rows, folds: list[Fold]) -> None:
        rows = np.concatenate([fold.judge for fold in folds])
        fold_of = np.repeat(np.arange(len(folds)), [len(fold.judge) for fold in folds])
        held_out = np.concatenate(scores, axis=1)
        has_learned_class = np.concatenate(
            [np.isin(labels[fold.judge], labels[fold.fit]) for fold in folds]
        )
        self.pool_, self.calibration_ = _fit_pool(held_out, labels[rows], has_learned_class)
        probabilities = _cross_combine(held_out, labels[rows], has_learned_class, fold_of)
        self.cross_fit_ = CrossFit(rows, probabilities)


def _fit_expert(expert: Pipeline, encoded: EncodedReports, labels: Rows) -> Pipeline:
    with threadpool_limits(1), warnings.catch_warnings():
        # The network stops before it converges, because fewer epochs generalise better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # With few rows, scikit-learn reduces the network's batch size and warns; that is intended.
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        return clone(expert).fit(encoded, labels)


def _fold_scores(
    experts: dict[str, Pipeline], encoded: EncodedReports, labels: Rows, fold: Fold, classes: int
) -> Floats:
    fit_rows, fit_labels = encoded.take(fold.fit), labels[fold.fit]
    fitted = {name: _fit_expert(expert, fit_rows, fit_labels) for name, expert in experts.items()}
    scores = expert_scores(fitted, encoded.take(fold.judge), classes)
    if fold.adapted_scores is None:
        return scores
    return np.concatenate([scores, fold.adapted_scores[None, fold.judge]])


def _fit_pool(
    scores: Floats, labels: Rows, has_learned_class: NDArray[np.bool_]
) -> tuple[LogLinearPool, TopCalibration]:
    # If the fitted rows of a fold lack a class, its held-out rows of this class do not train the
    # pool, because they would lower the weights of good experts.
    pool = LogLinearPool().fit(scores[:, has_learned_class], labels[has_learned_class])
    return pool, TopCalibration().fit(pool.predict_proba(scores), labels)


def _cross_combine(
    scores: Floats, labels: Rows, has_learned_class: NDArray[np.bool_], fold_of: Rows
) -> Floats:
    """Return each fold's calibrated probabilities, by a pool that was fitted on the other folds.

    If there is only one fold, the pool is fitted on it.
    """
    combined = np.empty(scores.shape[1:])
    for fold in np.unique(fold_of):
        in_fold = fold_of == fold
        others = ~in_fold if (~in_fold).any() else in_fold
        pool, calibration = _fit_pool(scores[:, others], labels[others], has_learned_class[others])
        combined[in_fold] = calibration.transform(pool.predict_proba(scores[:, in_fold]))
    return combined

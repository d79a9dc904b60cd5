"""Fits a pool of experts: on folds to learn the experts' weights, and then on all rows."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from features.encoding.encoded_reports import EncodedReports
from features.errors import NotEnoughHistory
from models.classification.expert_pool import ExpertPool
from models.classification.fine_tuned_head import FineTunedHead
from models.classification.learning.compile_experts import check_scorer, compile_expert
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold
from models.classification.learning.experts import choose_experts, pipeline_scores
from models.classification.log_linear_pool import LogLinearPool, TopCalibration
from models.classification.scorers.scorer import Floats, Rows, Scorer, spread_scores

FEWEST_FOR_PROCESSES = 4_000
"""With fewer rows, starting processes takes more CPU time than fitting (600 rows: 9 s and 3 s)."""


@dataclass(frozen=True, slots=True)
class FittedPool:
    """A pool, the fitted pipelines that its scorers were compiled from, and its cross-fit."""

    pool: ExpertPool
    pipelines: Mapping[str, Pipeline]
    cross_fit: CrossFit


def fit_expert_pool(
    encoded: EncodedReports,
    labels: Rows,
    folds: Sequence[Fold],
    *,
    classes: int,
    seed: int = 0,
    adapted: FineTunedHead | None = None,
) -> FittedPool:
    """Learn from all rows, and cross-fit the probabilities of the held-out rows.

    Labels are class numbers from 0 to `classes` - 1. Each expert is fitted on every fold; the
    scores of the held-out rows train the pool's weights and the calibration. Then each expert is
    fitted on all rows. `adapted` is a further expert, which was fitted beforehand together with its
    encoder; the folds contain its scores. Raises `NotEnoughHistory` if no fold has two labels.
    """
    experts = choose_experts(encoded, classes=classes, seed=seed)
    usable = [fold for fold in folds if len(fold.judge) and len(set(labels[fold.fit])) > 1]
    if not usable:
        raise NotEnoughHistory("no fold has two labels to learn from; give a longer history")
    tasks = [delayed(_fold_scores)(experts, encoded, labels, fold, classes) for fold in usable]
    tasks += [delayed(_fit_expert)(expert, encoded, labels) for expert in experts.values()]
    results = Parallel(n_jobs=-1 if len(encoded) >= FEWEST_FOR_PROCESSES else 1)(tasks)
    pipelines = dict(zip(experts, results[len(usable) :], strict=True))
    scorers = compile_experts(pipelines, encoded)
    if adapted is not None:
        scorers["adapted"] = adapted
    # On these small problems, BLAS threads mostly wait for each other.
    with threadpool_limits(1):
        pool, calibration, cross_fit = _learn_pool(results[: len(usable)], labels, usable)
    whole = ExpertPool(classes=classes, experts=scorers, pool=pool, calibration=calibration)
    return FittedPool(whole, pipelines, cross_fit)


def compile_experts(
    pipelines: Mapping[str, Pipeline], encoded: EncodedReports
) -> dict[str, Scorer]:
    """Compile fitted pipelines, and check their scorers on reports; raises `ScorerDiffers`."""
    scorers = {name: compile_expert(pipeline) for name, pipeline in pipelines.items()}
    for name, scorer in scorers.items():
        check_scorer(scorer, pipelines[name], encoded)
    return scorers


def _learn_pool(
    scores: list[Floats], labels: Rows, folds: list[Fold]
) -> tuple[LogLinearPool, TopCalibration, CrossFit]:
    rows = np.concatenate([fold.judge for fold in folds])
    fold_of = np.repeat(np.arange(len(folds)), [len(fold.judge) for fold in folds])
    held_out = np.concatenate(scores, axis=1)
    has_learned_class = np.concatenate(
        [np.isin(labels[fold.judge], labels[fold.fit]) for fold in folds]
    )
    pool, calibration = _fit_pool(held_out, labels[rows], has_learned_class)
    probabilities = _cross_combine(held_out, labels[rows], has_learned_class, fold_of)
    return pool, calibration, CrossFit(rows, probabilities)


def _fit_expert(expert: Pipeline, encoded: EncodedReports, labels: Rows) -> Pipeline:
    with threadpool_limits(1), warnings.catch_warnings():
        # The network stops before it converges, because fewer epochs generalise better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # With few rows, scikit-learn reduces the network's batch size and warns; that is intended.
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        # scikit-learn's network takes Ctrl-C for the end of its fit, and only warns.
        warnings.filterwarnings("error", "Training interrupted by user", UserWarning)
        try:
            return clone(expert).fit(encoded, labels)
        except UserWarning as interruption:
            raise KeyboardInterrupt from interruption


def _fold_scores(
    experts: dict[str, Pipeline], encoded: EncodedReports, labels: Rows, fold: Fold, classes: int
) -> Floats:
    fit_rows, fit_labels = encoded.take(fold.fit), labels[fold.fit]
    judged = encoded.take(fold.judge)
    fitted = [_fit_expert(expert, fit_rows, fit_labels) for expert in experts.values()]
    scores = np.array(
        [
            spread_scores(pipeline_scores(expert, judged), expert.classes_, classes)
            for expert in fitted
        ]
    )
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

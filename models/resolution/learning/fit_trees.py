"""Fits boosted trees: the hazards of being resolved, and the risks of binary outcomes."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from models.resolution.boosted_scores import BoostedScores
from models.resolution.observations import Flags, Floats, Rows
from models.statistics.tree_table import TreeTable


def fit_hazards(
    features: Floats, hours: Floats, is_resolved: Flags, edges: Floats, *, seed: int
) -> BoostedScores:
    """Fit the probability to be resolved within each period, if open at its beginning.

    The number of the period is the last feature. A censored incident counts for the periods that
    it was seen open throughout.
    """
    rows, periods, is_event = person_periods(hours, is_resolved, edges)
    inputs = np.column_stack([features[rows], periods])
    trees = _trees(seed, rounds=80, leaves=15, smallest_leaf=40)
    return _fit(trees, inputs, is_event)


def fit_risk(features: Floats, outcome: Flags, *, seed: int) -> BoostedScores:
    """Fit the probability of a binary outcome."""
    trees = _trees(seed, rounds=100, leaves=31, smallest_leaf=20)
    return _fit(trees, features, outcome)


def person_periods(hours: Floats, is_resolved: Flags, edges: Floats) -> tuple[Rows, Rows, Flags]:
    """Return a row for each period in which an incident was observed: incident, period, event.

    >>> hours, is_resolved = np.array([0.5, 3.0]), np.array([True, False])
    >>> rows, periods, is_event = person_periods(hours, is_resolved, np.array([1.0, 2.0, 4.0]))
    >>> rows.tolist(), periods.tolist(), is_event.tolist()
    ([0, 1, 1], [0, 0, 1], [True, False, False])
    """
    ends = np.minimum(np.searchsorted(edges, hours, side="left"), len(edges) - is_resolved)
    counts = ends + is_resolved
    rows = np.repeat(np.arange(len(hours)), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    periods = np.arange(len(rows)) - starts
    return rows, periods, (periods == ends[rows]) & is_resolved[rows]


def _trees(
    seed: int, *, rounds: int, leaves: int, smallest_leaf: int
) -> HistGradientBoostingClassifier:
    # Sizes chosen by tests/benchmarks/resolution.py.
    return HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=0.1,
        max_leaf_nodes=leaves,
        min_samples_leaf=smallest_leaf,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def _fit(trees: HistGradientBoostingClassifier, inputs: Floats, outcome: Flags) -> BoostedScores:
    # Threads wait for each other busily: on few rows they only cost, the more on a busy machine.
    with threadpool_limits(1):
        trees.fit(inputs, outcome)
    baseline = np.asarray(trees._baseline_prediction, dtype=np.float64).reshape(-1)
    return BoostedScores(TreeTable.of(trees._predictors), float(baseline[0]))

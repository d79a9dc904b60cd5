"""Cuts that turn the probabilities of ordered levels into the level of least cost beyond chance."""

import numpy as np
from numpy.typing import NDArray

from models.classification.cross_validation import Rows

Floats = NDArray[np.float64]

_MOST_CORRECTED = 0.7
_ROUNDS = 30
_SETTLED = 1e-4


def reached(probabilities: Floats) -> Floats:
    """Return "at least this severe" for every level but the lowest, of shape (rows, levels - 1).

    >>> reached(np.array([[0.5, 0.3, 0.2]])).round(1).tolist()
    [[0.5, 0.2]]
    """
    return np.asarray(probabilities[:, :0:-1].cumsum(axis=1)[:, ::-1])


def rate(probabilities: Floats, cuts: Floats) -> Rows:
    """Return the rank of each row: how many cuts are reached before the first that is not."""
    return np.asarray(
        np.minimum.accumulate(reached(probabilities) >= cuts, axis=1).sum(axis=1), dtype=np.int64
    )


def learn_cuts(
    probabilities: Floats, labels: Rows, weights: Floats, *, under_rating_cost: float
) -> Floats:
    """Learn one cut per threshold from weighted held-out rows.

    A level too low costs `under_rating_cost`, a level too high 1. Of that cost counts what exceeds
    `chance` times the mean cost of giving the same rank to everyone. Costs add up over thresholds,
    so a threshold with `share` of the rows above it is cut at
    (1 - chance) / (1 + under_rating_cost) + chance * share.

    `chance` is 1 less the weighted kappa (Cohen 1968) that the cuts reach, which makes them those
    of the highest kappa (Dinkelbach 1967). Plain cost, `chance` 0, would never give a rare level
    of which no report is more than half sure. It stays at most 0.7, lest a model that knows little
    rates by its noise.
    """
    levels = np.bincount(labels, weights, probabilities.shape[1]) / weights.sum()
    shares = reached(levels[None, :])[0]
    chance, cuts = 0.0, np.empty(0)
    for _ in range(_ROUNDS):
        cuts = (1 - chance) / (1 + under_rating_cost) + chance * shares
        ranks = rate(probabilities, cuts)
        found = cost_beside_chance(labels, ranks, weights, under_rating_cost=under_rating_cost)
        found = min(found, _MOST_CORRECTED)
        if abs(found - chance) < _SETTLED:
            break
        chance = found
    return cuts


def plain_cuts(levels: int, *, under_rating_cost: float) -> Floats:
    """Return the cuts of least cost whatever chance would do: nothing is learned.

    >>> plain_cuts(3, under_rating_cost=3.0).tolist()
    [0.25, 0.25]
    """
    return np.full(levels - 1, 1 / (1 + under_rating_cost))


def cost_beside_chance(
    labels: Rows, ranks: Rows, weights: Floats, *, under_rating_cost: float
) -> float:
    """Return the cost of ratings as a share of what they would cost if dealt out blindly.

    It is 1 less the weighted kappa, and 1 where blind ratings cost nothing.
    """
    levels = int(max(labels.max(), ranks.max())) + 1
    pairs = np.bincount(labels * levels + ranks, weights, levels**2).reshape(levels, levels)
    blind = np.outer(pairs.sum(axis=1), pairs.sum(axis=0)) / pairs.sum()
    distance = np.subtract.outer(np.arange(levels), np.arange(levels))
    cost = np.where(distance > 0, under_rating_cost * distance, -distance)
    by_chance = float((blind * cost).sum())
    return float((pairs * cost).sum()) / by_chance if by_chance > 0 else 1.0

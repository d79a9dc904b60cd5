"""Learns the cuts by which probabilities of ordered levels become a level."""

import numpy as np
from numpy.typing import NDArray

from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]

_MOST_CORRECTED = 0.7
_ROUNDS = 30
_SETTLED = 1e-4


def threshold_probabilities(probabilities: Floats) -> Floats:
    """Return the probability of "at least this severe" for every level but the lowest.

    The result has shape (rows, levels - 1).

    >>> threshold_probabilities(np.array([[0.5, 0.3, 0.2]])).round(1).tolist()
    [[0.5, 0.2]]
    """
    return np.asarray(probabilities[:, :0:-1].cumsum(axis=1)[:, ::-1])


def rate(probabilities: Floats, cuts: Floats) -> Rows:
    """Return each row's rank: the number of cuts before the first cut that it does not reach."""
    is_reached = threshold_probabilities(probabilities) >= cuts
    return np.asarray(np.minimum.accumulate(is_reached, axis=1).sum(axis=1), dtype=np.int64)


def learn_cuts(
    probabilities: Floats, labels: Rows, weights: Floats, *, under_rating_cost: float
) -> Floats:
    """Learn one cut per threshold from weighted held-out rows.

    A rating costs `under_rating_cost` for each level that it is too low, and 1 for each level that
    it is too high. The cuts minimise this cost minus a correction: `chance` times the mean cost if
    every row got the same rank as the rated row. Costs add up over thresholds. So for a threshold
    that a `share` of the rows reaches, the cut is
    (1 - chance) / (1 + under_rating_cost) + chance * share.

    `chance` is 1 minus the weighted kappa (Cohen 1968) of the ratings with these cuts; this makes
    them the cuts of highest kappa (Dinkelbach 1967). With a `chance` of 0, the cuts would be plain
    cuts, such as one half, and a rare level would never be predicted if its probability is always
    lower. `chance` is at most 0.7, so that a weak model's ratings do not follow noise.
    """
    levels = np.bincount(labels, weights, probabilities.shape[1]) / weights.sum()
    shares = threshold_probabilities(levels[None, :])[0]
    chance, cuts = 0.0, np.empty(0)
    for _ in range(_ROUNDS):
        cuts = (1 - chance) / (1 + under_rating_cost) + chance * shares
        ranks = rate(probabilities, cuts)
        cost = cost_beside_chance(labels, ranks, weights, under_rating_cost=under_rating_cost)
        new_chance = min(cost, _MOST_CORRECTED)
        if abs(new_chance - chance) < _SETTLED:
            break
        chance = new_chance
    return cuts


def plain_cuts(levels: int, *, under_rating_cost: float) -> Floats:
    """Return the cuts of least plain cost, without a correction for chance.

    >>> plain_cuts(3, under_rating_cost=3.0).tolist()
    [0.25, 0.25]
    """
    return np.full(levels - 1, 1 / (1 + under_rating_cost))


def cost_beside_chance(
    labels: Rows, ranks: Rows, weights: Floats, *, under_rating_cost: float
) -> float:
    """Return the ratings' cost as a share of the expected cost of the same ratings in random order.

    The result is 1 minus the weighted kappa, and 1 if ratings in random order cost nothing.
    """
    levels = int(max(labels.max(), ranks.max())) + 1
    pairs = np.bincount(labels * levels + ranks, weights, levels**2).reshape(levels, levels)
    random_pairs = np.outer(pairs.sum(axis=1), pairs.sum(axis=0)) / pairs.sum()
    distance = np.subtract.outer(np.arange(levels), np.arange(levels))
    cost = np.where(distance > 0, under_rating_cost * distance, -distance)
    by_chance = float((random_pairs * cost).sum())
    return float((pairs * cost).sum()) / by_chance if by_chance > 0 else 1.0

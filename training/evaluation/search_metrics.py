"""Metrics of judged searches, as a card keeps them: recall stands beside a baseline."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base.model_card import Metric
from models.classification.cross_validation import Rows
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import measure

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class JudgedSearches:
    """Held-out searches: the rank of the first relevant entry, 0 for the top, also the baseline's.

    `has_relevant` tells whether there is a relevant entry to find, `is_shown` whether the first
    entry reaches the cut-off, `is_right` whether it is relevant, `confidence` how sure it is.
    `weights` count the incidents that a search stands for, and `blocks` number the days or groups
    by which intervals are resampled.
    """

    ranks: Rows
    baseline_ranks: Rows
    has_relevant: Flags
    is_shown: Flags
    is_right: Flags
    confidence: Floats
    weights: Floats
    blocks: Rows

    def __len__(self) -> int:
        return len(self.ranks)


def recall_at(place: int, judged: JudgedSearches, ranks: Rows, weight: Floats) -> float:
    """Return the share of searches with a relevant entry that have one among the first `place`."""
    weight = weight * judged.weights * judged.has_relevant
    whole = float(weight.sum())
    return float(weight[ranks < place].sum()) / whole if whole else 0.0


def shown_precision(judged: JudgedSearches, weight: Floats) -> float:
    """Return the share of shown first entries that are relevant; 1 when none is shown."""
    weight = weight * judged.weights * judged.is_shown
    whole = float(weight.sum())
    return float(weight[judged.is_right].sum()) / whole if whole else 1.0


def shown_share(judged: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches that show something."""
    weight = weight * judged.weights
    whole = float(weight.sum())
    return float(weight[judged.is_shown].sum()) / whole if whole else 0.0


def shown_share_of_answerable(judged: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches with a relevant entry that show something."""
    return shown_share(judged, weight * judged.has_relevant)


def measure_recall(place: int, judged: JudgedSearches, baseline: str) -> Metric:
    """Return how often a relevant entry is among the first `place`, beside the named baseline."""
    ours = measure(lambda same, weight: recall_at(place, same, same.ranks, weight), judged)
    theirs = recall_at(place, judged, judged.baseline_ranks, np.ones(len(judged.blocks)))
    return Metric(f"recall_at_{place}", *ours.triple, theirs, baseline)


def measure_shown(
    name: str, figure: Callable[[JudgedSearches, Floats], float], judged: JudgedSearches
) -> Metric:
    """Return a figure of what is shown, which no baseline has."""
    return Metric(name, *measure(figure, judged).triple)

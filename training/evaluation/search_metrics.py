"""Metrics of held-out searches for the card; recall is compared with a baseline."""

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
    """Held-out searches, by arrays with one value per search.

    `ranks` are those of the first relevant entry, 0 for the top; `baseline_ranks` are the
    baseline's. `has_relevant` says whether there is a relevant entry to find. Of the first entry,
    `is_shown` says whether it reaches the cutoff, `is_right` whether it is relevant, and
    `confidence` is its probability. `weights` are the numbers of incidents that a search stands
    for. `blocks` number the days or groups to resample.
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


def recall_at(place: int, searches: JudgedSearches, ranks: Rows, weight: Floats) -> float:
    """Return the share of searches whose top `place` entries hold a relevant one, if one exists."""
    weight = weight * searches.weights * searches.has_relevant
    total = float(weight.sum())
    return float(weight[ranks < place].sum()) / total if total else 0.0


def shown_precision(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of shown first entries that are relevant; 1 if none is shown."""
    weight = weight * searches.weights * searches.is_shown
    total = float(weight.sum())
    return float(weight[searches.is_right].sum()) / total if total else 1.0


def shown_share(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches that show something."""
    weight = weight * searches.weights
    total = float(weight.sum())
    return float(weight[searches.is_shown].sum()) / total if total else 0.0


def shown_share_of_answerable(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches with a relevant entry that show something."""
    return shown_share(searches, weight * searches.has_relevant)


def measure_recall(place: int, searches: JudgedSearches, baseline: str) -> Metric:
    """Return the recall at `place` with its interval, and that of the named baseline."""
    recall = measure(
        lambda resampled, weight: recall_at(place, resampled, resampled.ranks, weight), searches
    )
    baseline_recall = recall_at(place, searches, searches.baseline_ranks, np.ones(len(searches)))
    return Metric(f"recall_at_{place}", *recall.triple, baseline_recall, baseline)


def measure_shown(
    name: str, metric: Callable[[JudgedSearches, Floats], float], searches: JudgedSearches
) -> Metric:
    """Return a metric of the shown entries; there is no baseline for it."""
    return Metric(name, *measure(metric, searches).triple)

"""Metrics of held-out searches for the model card; recall is compared with a baseline's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base.model_card import Metric
from models.classification.scorers.scorer import Rows
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import measure

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class JudgedSearches:
    """The results of held-out searches, as arrays with one value per search.

    `ranks` and `baseline_ranks` are the ranks that the model and the baseline give to the first
    relevant entry: 0 for the top, a very large number if there is no such entry. `has_relevant`
    says whether a relevant entry exists. `confidence` is the probability that the first entry is
    relevant, `is_shown` says whether this probability reaches the cutoff, and `is_right` whether
    the first entry is relevant. `weights` says how many incidents each search represents. `blocks`
    says, by number, to which day or group each search belongs; the bootstrap resamples whole days
    or groups.
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
    """Return the recall at `place`, 0 if no search has a relevant entry.

    The recall is the share, of the searches for which a relevant entry exists, that have a relevant
    entry among the top `place` entries.
    """
    weight = weight * searches.weights * searches.has_relevant
    total = float(weight.sum())
    return float(weight[ranks < place].sum()) / total if total else 0.0


def shown_precision(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of shown first entries that are relevant; 1 if none is shown."""
    weight = weight * searches.weights * searches.is_shown
    total = float(weight.sum())
    return float(weight[searches.is_right].sum()) / total if total else 1.0


def shown_share(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches whose first entry is shown."""
    weight = weight * searches.weights
    total = float(weight.sum())
    return float(weight[searches.is_shown].sum()) / total if total else 0.0


def shown_share_of_answerable(searches: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches with a relevant entry whose first entry is shown."""
    return shown_share(searches, weight * searches.has_relevant)


def measure_recall(place: int, searches: JudgedSearches, baseline: str) -> Metric:
    """Return the recall at `place` with its 95% interval, and the named baseline's recall."""
    recall = measure(
        lambda resampled, weight: recall_at(place, resampled, resampled.ranks, weight), searches
    )
    baseline_recall = recall_at(place, searches, searches.baseline_ranks, np.ones(len(searches)))
    return Metric(f"recall_at_{place}", *recall.triple, baseline_recall, baseline)


def measure_shown(
    name: str, metric: Callable[[JudgedSearches, Floats], float], searches: JudgedSearches
) -> Metric:
    """Return a metric of the shown entries with its 95% interval, without a baseline."""
    return Metric(name, *measure(metric, searches).triple)

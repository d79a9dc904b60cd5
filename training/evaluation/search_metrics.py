"""Metrics of judged searches, as a card keeps them: recall stands beside a baseline."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from models.base.model_card import Metric
from models.classification.cross_validation import Rows
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import InBlocks, measure


class RankedSearches(InBlocks, Protocol):
    """Held-out searches that know the place of the first right entry, ours and the baseline's."""

    @property
    def ranks(self) -> Rows:
        """The places, 0 for the first."""

    @property
    def baseline_ranks(self) -> Rows:
        """The baseline's places."""


Ranked = TypeVar("Ranked", bound=RankedSearches)
Recall = Callable[[int, Ranked, Rows, Floats], float]


def measure_recall(place: int, recall_at: Recall[Ranked], judged: Ranked, baseline: str) -> Metric:
    """Return how often a right entry is among the first `place`, beside the named baseline."""
    ours = measure(lambda one, weight: recall_at(place, one, one.ranks, weight), judged)
    theirs = recall_at(place, judged, judged.baseline_ranks, np.ones(len(judged.blocks)))
    return Metric(f"recall_at_{place}", *ours.triple, theirs, baseline)


def measure_shown(name: str, figure: Callable[[Ranked, Floats], float], judged: Ranked) -> Metric:
    """Return a figure of what is shown, which no baseline has."""
    return Metric(name, *measure(figure, judged).triple)

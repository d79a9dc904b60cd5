"""The contract of scorers, and the scores of several scorers on one scale."""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoded_reports import EncodedReports

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

Part = Literal["text", "facts", "vectors"]
"""A part of an encoded report that an expert may read."""

RUNGS = ("neighbours", "linear", "full")
"""The levels of the method, starting with the level that needs the fewest labels."""

_SCORE_FLOOR = 1e-4


class Scorer(Protocol):
    """A fitted expert."""

    @property
    def classes(self) -> Rows:
        """The numbers of the classes that the expert was fitted on."""

    @property
    def reads(self) -> Collection[Part]:
        """The parts of a report on which the scores depend."""

    def score(self, encoded: EncodedReports) -> Floats:
        """Return log-like scores of shape (reports, classes of the expert)."""


def expert_scores(experts: Mapping[str, Scorer], encoded: EncodedReports, classes: int) -> Floats:
    """Return scores of shape (experts, reports, classes), on each expert's own log-like scale.

    A class that an expert was not fitted on gets the expert's lowest score of the report, minus 1.
    """
    scores = np.empty((len(experts), len(encoded), classes))
    for place, expert in enumerate(experts.values()):
        scores[place] = spread_scores(expert.score(encoded), expert.classes, classes)
    return scores


def spread_scores(scores: Floats, known: Rows, classes: int) -> Floats:
    """Return an expert's scores in the columns of all classes, from those of its `known` classes.

    >>> spread_scores(np.array([[0.5, 0.2]]), np.array([0, 2]), 3).tolist()
    [[0.5, -0.8, 0.2]]
    """
    spread = np.empty((len(scores), classes))
    spread[:] = scores.min(axis=1, keepdims=True) - 1
    spread[:, known] = scores
    return spread


def log_scores(probabilities: Floats) -> Floats:
    """Return log probabilities; a floor limits the weight of a probability near 0."""
    return np.asarray(np.log(probabilities + _SCORE_FLOOR))


def two_sided(margins: Floats) -> Floats:
    """Return the margins of both classes from those of the second class, else the margins."""
    if margins.shape[1] > 1:
        return margins
    return np.column_stack([-margins, margins])


def method_level(experts: Collection[str]) -> str:
    """Return the level of the method, from `RUNGS`, that includes these experts.

    >>> method_level(("linear", "neighbours"))
    'linear'
    """
    if {"topics", "trees", "adapted"} & set(experts):
        return "full"
    return "linear" if "linear" in experts else "neighbours"

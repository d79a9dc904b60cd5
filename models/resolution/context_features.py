"""Turns what was known at opening into numbers: the hour, the load, and how precedents went."""

from collections import Counter
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.domain.opening_context import OpeningContext, Precedents, facts_of
from models.base.parameters import Parameters

Floats = NDArray[np.float64]

_MOST_FACTS = 30
_UNKNOWN = -1.0
_NONE = Precedents(0)
_SMOOTHING = 5.0
"""A share of precedents is drawn to that of all as if by so many; see tests/benchmarks."""


class ContextFeatures(Parameters):
    """Learns which facts reports have, and gives numbers for each context.

    A row has the hour of the day and the weekday, the open counts and arrivals, the length of the
    text, and for all precedents and for those of each fact: how many there are, the mean logarithm
    of their hours, and the shares that missed their target time and that were reassigned. The
    figures of few precedents are drawn to those of all.

    >>> from features.domain.report import IncidentReport
    >>> contexts = [OpeningContext(IncidentReport("INC1", service="vpn"))]
    >>> ContextFeatures().fit(contexts).transform(contexts).shape
    (1, 14)
    """

    def fit(self, contexts: Sequence[OpeningContext]) -> Self:
        """Learn the names of the commonest facts."""
        counts = Counter(name for context in contexts for name in facts_of(context.report))
        self.facts_ = sorted(name for name, _ in counts.most_common(_MOST_FACTS))
        return self

    def transform(self, contexts: Sequence[OpeningContext]) -> Floats:
        """Return an array of shape (contexts, features) without missing values."""
        width = 6 + 4 * (1 + len(self.facts_))
        rows = [self._row(context) for context in contexts]
        return np.array(rows, dtype=np.float64).reshape(len(rows), width)

    def _row(self, context: OpeningContext) -> list[float]:
        report, counts = context.report, context.open_counts
        opened_at = report.opened_at
        load = (_UNKNOWN,) * 3
        if counts is not None:
            load = (counts.total, counts.of_service, counts.arrivals)
        everything = context.precedents_as_of.get("", _NONE)
        row = [
            _UNKNOWN if opened_at is None else opened_at.hour + opened_at.minute / 60,
            _UNKNOWN if opened_at is None else opened_at.weekday(),
            *load,
            float(len(report.title) + len(report.description)),
            *_figures(everything, everything),
        ]
        for fact in self.facts_:
            row += _figures(context.precedents_as_of.get(fact, _NONE), everything)
        return row


def _figures(precedents: Precedents, everything: Precedents) -> tuple[float, ...]:
    count = precedents.count
    return (
        count,
        _smooth(precedents.log_hours, everything.log_hours, count),
        _smooth(precedents.missed, everything.missed, count),
        _smooth(precedents.reassigned, everything.reassigned, count),
    )


def _smooth(value: float | None, overall: float | None, count: int) -> float:
    base = 0.0 if overall is None else overall
    if value is None:
        return base
    return (count * value + _SMOOTHING * base) / (count + _SMOOTHING)

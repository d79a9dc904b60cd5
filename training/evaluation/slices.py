"""Measures slices: parts of a history by class, service, source, language or text length."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.domain.report import IncidentReport
from features.text.cleaning import incident_text
from models.base.model_card import SliceMetric
from models.classification.scorers.scorer import Rows
from training.evaluation.binomial_intervals import wilson_interval
from training.evaluation.bootstrap import Floats
from training.evaluation.languages import languages_of
from training.evaluation.metrics import HeldOutPredictions

_MIN_ROWS = 30
_MAX_VALUES = 20
_SHORT_WORDS = 8
_LONG_WORDS = 40


@dataclass(frozen=True, slots=True)
class Slice:
    """The held-out incidents whose fact `name` is `value`; `rows` are their indices."""

    name: str
    value: str
    rows: Rows

    @property
    def title(self) -> str:
        """The name of the slice in messages, such as `service mail`."""
        return f"{self.name} {self.value}"


def find_slices(reports: Sequence[IncidentReport], labels: Sequence[str]) -> tuple[Slice, ...]:
    """Return the slices of at least 30 held-out reports, at most 20 slices for each fact.

    The facts are class (the label), service, source, language and text length. A fact that has the
    same value everywhere gives no slices.
    """
    texts = [incident_text(report) for report in reports]
    facts: dict[str, Sequence[str | None]] = {
        "class": labels,
        "service": [report.service for report in reports],
        "source": [report.source for report in reports],
        "language": languages_of(texts),
        "length": [_length_range(text) for text in texts],
    }
    return tuple(
        slice_ for name, values in facts.items() for slice_ in _slices_by_value(name, values)
    )


def measure_slices(
    predictions: HeldOutPredictions, slices: Sequence[Slice], copies: Rows
) -> tuple[SliceMetric, ...]:
    """Return the accuracy of each slice with its 95% interval.

    `copies` has the number of each row's near-copy group. Intervals are Wilson's (1927). They are
    computed for the effective number of independent incidents (Kish's design effect, 1965), since
    near-copies are mostly all correct or all wrong.
    """
    is_right = (predictions.labels == predictions.predicted).astype(np.float64)
    return tuple(_measure(slice_, is_right[slice_.rows], copies[slice_.rows]) for slice_ in slices)


def _measure(part: Slice, is_right: Floats, copies: Rows) -> SliceMetric:
    _, groups = np.unique(copies, return_inverse=True)
    score, count = float(is_right.mean()), int(groups.max()) + 1
    bounds = wilson_interval(score, _effective_count(is_right, groups))
    return SliceMetric(part.name, part.value, len(is_right), count, "accuracy", score, *bounds)


def _effective_count(is_right: Floats, groups: Rows) -> float:
    """Return how many independent incidents would give as much information as these groups."""
    score, count = float(is_right.mean()), int(groups.max()) + 1
    if score in (0.0, 1.0):
        return float(count)
    between_groups = float((np.bincount(groups, is_right - score) ** 2).sum())
    return min(float(len(is_right)), len(is_right) ** 2 * score * (1 - score) / between_groups)


def _slices_by_value(name: str, values: Sequence[str | None]) -> list[Slice]:
    counts = Counter(value for value in values if value is not None)
    frequent_values = [
        value for value, count in counts.most_common(_MAX_VALUES) if count >= _MIN_ROWS
    ]
    if len(counts) < 2:
        return []
    value_array = np.array(values, dtype=object)
    return [Slice(name, value, np.flatnonzero(value_array == value)) for value in frequent_values]


def _length_range(text: str) -> str:
    words = len(text.split())
    if words < _SHORT_WORDS:
        return f"under {_SHORT_WORDS} words"
    if words > _LONG_WORDS:
        return f"over {_LONG_WORDS} words"
    return f"{_SHORT_WORDS} to {_LONG_WORDS} words"

"""Parts of a history that deserve a look of their own: by class, service, source and language."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.domain.report import IncidentReport
from features.text.cleaning import incident_text
from models.base.model_card import SliceMetric
from models.classification.cross_validation import Rows
from training.evaluation.binomial_intervals import wilson_interval
from training.evaluation.bootstrap import Floats
from training.evaluation.languages import languages_of
from training.evaluation.metrics import HeldOutPredictions

_FEWEST_ROWS = 30
_MOST_VALUES = 20
_SHORT_WORDS = 8
_LONG_WORDS = 40


@dataclass(frozen=True, slots=True)
class Slice:
    """The judged incidents whose fact `name` is `value`: `rows` are their places among these."""

    name: str
    value: str
    rows: Rows

    @property
    def title(self) -> str:
        """What a person calls it, such as `service mail`."""
        return f"{self.name} {self.value}"


def find_slices(reports: Sequence[IncidentReport], labels: Sequence[str]) -> tuple[Slice, ...]:
    """Return the slices of judged reports with at least 30 incidents, at most 20 of each kind.

    Incidents are divided by label, service, source, language and length of the text; a fact that
    is alike everywhere divides nothing and is left out.
    """
    texts = [incident_text(report) for report in reports]
    facts: dict[str, Sequence[str | None]] = {
        "class": labels,
        "service": [report.service for report in reports],
        "source": [report.source for report in reports],
        "language": languages_of(texts),
        "length": [_length(text) for text in texts],
    }
    return tuple(each for name, values in facts.items() for each in _divide(name, values))


def measure_slices(
    judged: HeldOutPredictions, slices: Sequence[Slice], copies: Rows
) -> tuple[SliceMetric, ...]:
    """Return the accuracy of each slice with its 95% interval; `copies` are near-copy groups.

    Intervals are Wilson's (1927) for as many incidents as groups of near-copies are worth: the
    number less what their agreement repeats (Kish's design effect, 1965).
    """
    right = (judged.labels == judged.predicted).astype(np.float64)
    return tuple(_measure(each, right[each.rows], copies[each.rows]) for each in slices)


def _measure(part: Slice, right: Floats, copies: Rows) -> SliceMetric:
    _, groups = np.unique(copies, return_inverse=True)
    score, count = float(right.mean()), int(groups.max()) + 1
    bounds = wilson_interval(score, _worth(right, groups))
    return SliceMetric(part.name, part.value, len(right), count, "accuracy", score, *bounds)


def _worth(right: Floats, groups: Rows) -> float:
    """Return how many independent incidents tell as much as these in their groups."""
    score, count = float(right.mean()), int(groups.max()) + 1
    if score in (0.0, 1.0):
        return float(count)
    between = float((np.bincount(groups, right - score) ** 2).sum())
    return min(float(len(right)), len(right) ** 2 * score * (1 - score) / between)


def _divide(name: str, values: Sequence[str | None]) -> list[Slice]:
    counts = Counter(value for value in values if value is not None)
    kept = [value for value, count in counts.most_common(_MOST_VALUES) if count >= _FEWEST_ROWS]
    if len(counts) < 2:
        return []
    found = np.array(values, dtype=object)
    return [Slice(name, value, np.flatnonzero(found == value)) for value in kept]


def _length(text: str) -> str:
    words = len(text.split())
    if words < _SHORT_WORDS:
        return f"under {_SHORT_WORDS} words"
    if words > _LONG_WORDS:
        return f"over {_LONG_WORDS} words"
    return f"{_SHORT_WORDS} to {_LONG_WORDS} words"

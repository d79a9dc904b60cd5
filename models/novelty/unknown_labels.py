"""Recognises incidents of labels that a model does not know, by incidents that people corrected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from features.encoding.encoder import Vectors
from models.novelty.conformal_p_value import Floats
from models.novelty.text_familiarity import TextFamiliarity

FEWEST_CORRECTIONS = 10

_NEAREST = 5
_STOPPED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class _UnknownLabel:
    """One label: its corrected incidents, the direction to them, and the score to exceed."""

    label: str
    vectors: Vectors
    direction: Floats
    scales: tuple[float, float]
    threshold: float

    def score(self, vectors: Vectors, likeness: Floats) -> Floats:
        by_direction, by_neighbours = _raw_scores(vectors, likeness, self.direction, self.vectors)
        return by_direction / self.scales[0] + by_neighbours / self.scales[1]


@dataclass(frozen=True, slots=True)
class UnknownLabels:
    """The labels that people gave to at least 10 incidents, and that a model has not learned.

    A report resembles such a label by the sum of two scores: the linear discriminant between the
    corrected incidents and the references (Fisher 1936), and how much nearer it is to the corrected
    incidents than to the references. At most 2% of the references score above a label's threshold.
    """

    familiarity: TextFamiliarity
    labels: tuple[_UnknownLabel, ...]

    @classmethod
    def learn(cls, familiarity: TextFamiliarity, vectors: Mapping[str, Vectors]) -> Self | None:
        """Learn from the corrected incidents' vectors by label; None if no label has enough."""
        likeness = familiarity.likeness(familiarity.vectors_, without_self=True)
        labels = tuple(
            _learn_label(label, rows, familiarity, likeness)
            for label, rows in sorted(vectors.items())
            if len(rows) >= FEWEST_CORRECTIONS
        )
        return cls(familiarity, labels) if labels else None

    def resembled(self, vectors: Vectors) -> list[str | None]:
        """Return for each vector the label that it resembles, None if it resembles none."""
        likeness = self.familiarity.likeness(vectors)
        excess = np.column_stack(
            [label.score(vectors, likeness) - label.threshold for label in self.labels]
        )
        return [self.labels[int(row.argmax())].label if row.max() > 0 else None for row in excess]


def _learn_label(
    label: str, vectors: Vectors, familiarity: TextFamiliarity, likeness: Floats
) -> _UnknownLabel:
    references = familiarity.vectors_
    direction = familiarity.precision_ @ (vectors.mean(axis=0) - familiarity.centre_)
    by_direction, by_neighbours = _raw_scores(references, likeness, direction, vectors)
    scales = (float(by_direction.std()) or 1.0, float(by_neighbours.std()) or 1.0)
    scores = by_direction / scales[0] + by_neighbours / scales[1]
    threshold = float(np.quantile(scores, 1 - _STOPPED_SHARE))
    return _UnknownLabel(label, vectors, direction, scales, threshold)


def _raw_scores(
    vectors: Vectors, likeness: Floats, direction: Floats, corrected: Vectors
) -> tuple[Floats, Floats]:
    count = min(_NEAREST, len(corrected))
    nearest = np.partition(vectors @ corrected.T, -count, axis=1)[:, -count:].mean(axis=1)
    return np.asarray(vectors @ direction), np.asarray(nearest - likeness)

"""Finds the nearest labelled past reports, and one that contradicts the predicted label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.base.predictions import Exemplar
from models.classification.evidence.explanations import ScoredReports
from models.classification.expert_pool import ExpertPool
from models.classification.scorers.neighbours import NeighbourScorer
from models.classification.scorers.scorer import Rows

_NEAREST = 3
_NEAR_ENOUGH = 0.15


def nearest_exemplars(
    pool: ExpertPool,
    batch: ScoredReports,
    ids: NDArray[np.str_],
    labels: Rows,
    classes: Sequence[str],
) -> list[tuple[Exemplar, ...]]:
    """Return each report's exemplars, nearest first; none without an expert of neighbours.

    The exemplars are the three nearest examples. If all three have the predicted label, the nearest
    of the expert's other neighbours with another label is added, if its similarity is at most 0.15
    below the highest similarity; the votes of less similar examples hardly count. `ids` and
    `labels` are the ids and class numbers of the examples on which the pool was fitted.
    """
    expert = pool.experts.get("neighbours")
    if not isinstance(expert, NeighbourScorer):
        return [()] * len(batch.reports)
    rows, similarities = expert.nearest_reports(batch.encoded)
    return [
        _choose(
            [
                Exemplar(str(ids[row]), classes[labels[row]], round(float(similarity), 4))
                for row, similarity in zip(near_rows, near_similarities, strict=True)
                if similarity > 0
            ],
            classes[predicted],
        )
        for predicted, near_rows, near_similarities in zip(
            batch.predicted, rows, similarities, strict=True
        )
    ]


def _choose(exemplars: Sequence[Exemplar], label: str) -> tuple[Exemplar, ...]:
    nearest = tuple(exemplars[:_NEAREST])
    if any(exemplar.label != label for exemplar in nearest):
        return nearest
    contradicting = [
        exemplar
        for exemplar in exemplars[_NEAREST:]
        if exemplar.label != label and exemplar.similarity >= exemplars[0].similarity - _NEAR_ENOUGH
    ]
    return (*nearest, *contradicting[:1])

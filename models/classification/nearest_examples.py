"""The nearest labelled past reports, those that contradict the answer included."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.base.predictions import Exemplar
from models.classification.cross_validation import Rows
from models.classification.expert_pool import ExpertPool
from models.classification.explanations import ScoredReports

_NEAREST = 3
_NEAR_ENOUGH = 0.15


def nearest_exemplars(
    pool: ExpertPool,
    reading: ScoredReports,
    ids: NDArray[np.str_],
    labels: Rows,
    classes: Sequence[str],
) -> list[tuple[Exemplar, ...]]:
    """Return each report's exemplars, nearest first; none when there is no text.

    They are the nearest few and, where these all agree with the answer, the nearest that does not,
    if it is near enough for its vote to count. `ids` and `labels` are those of the pool's examples.
    """
    expert = pool.experts_.get("neighbours")
    if expert is None:
        return [()] * len(reading.reports)
    rows, similarities = expert["classify"].nearest(reading.encoded.vectors)
    return [
        _choose(
            [
                Exemplar(str(ids[row]), classes[labels[row]], round(float(similarity), 4))
                for row, similarity in zip(near, close, strict=True)
                if similarity > 0
            ],
            classes[answer],
        )
        for answer, near, close in zip(reading.chosen, rows, similarities, strict=True)
    ]


def _choose(near: Sequence[Exemplar], answer: str) -> tuple[Exemplar, ...]:
    shown = tuple(near[:_NEAREST])
    if any(one.label != answer for one in shown):
        return shown
    contradicting = (
        one
        for one in near[_NEAREST:]
        if one.label != answer and one.similarity >= near[0].similarity - _NEAR_ENOUGH
    )
    return (*shown, *list(contradicting)[:1])

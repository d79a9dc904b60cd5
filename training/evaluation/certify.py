"""Certificates behind `auto`: thresholds whose precision is proven, class by class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base.predictions import Certificate
from models.classification.calibrated_model import Certification
from models.classification.cross_validation import Rows, one_of_each
from training.evaluation.binomial_intervals import lower_bound
from training.evaluation.metrics import HeldOutPredictions, take_rows
from training.plan import WANTED_PRECISION

_ERROR_RATE = 0.05
FEWEST_ACCEPTED = 36
_FEWEST_FOR_OWN = 100
# Fixed beforehand: looking at the scores to choose the grid would void the promise.
GRID = (0.999, 0.998, 0.996, 0.994, 0.992, *(round(0.99 - 0.01 * step, 2) for step in range(50)))


@dataclass(frozen=True, slots=True)
class _Walk:
    """The thresholds that one class, or all rare ones, is tested at, the strictest first.

    `accepted` and `right` count groups of near-copies at and above each threshold.
    """

    classes: tuple[int, ...]
    pooled: bool
    thresholds: NDArray[np.float64]
    accepted: Rows
    right: Rows

    def passed(self, wanted: float, level: float) -> int:
        """Return how many thresholds pass at this error level before the first that fails."""
        failed = np.flatnonzero(lower_bound(self.right, self.accepted, level) < wanted)
        return int(failed[0]) if len(failed) else len(self.thresholds)

    def starting_at(self, fewest: int) -> "_Walk":
        """Return the walk without the thresholds that accept fewer than so many."""
        kept = self.accepted >= fewest
        return _Walk(
            self.classes,
            self.pooled,
            self.thresholds[kept],
            self.accepted[kept],
            self.right[kept],
        )


def certify(
    judged: HeldOutPredictions,
    classes: Sequence[str],
    copies: Rows,
    *,
    wanted: float = WANTED_PRECISION,
    family: bool = False,
) -> Certification:
    """Return the certificates that held-out predictions prove.

    Thresholds are walked from the strictest down, from the first that accepts 36 groups of
    near-copies (more where fewer could not reach `wanted` even if all are right), to the last
    before the lower 95% Clopper-Pearson bound falls below `wanted`. Stopping at the first failure
    is what makes the promise hold (fixed-sequence Learn-then-Test, Angelopoulos et al. 2021, arXiv
    2110.01052): of the certificates of one class, at most one in twenty is wrong. Classes that are
    predicted for fewer than 100 groups are tested together, and their certificate says so.

    With `family` the chance that any certificate of the model is wrong is at most one in twenty.
    Each of k walks begins at a k-th of the error level. A walk that passes to its end cannot err
    any more, and leaves its share to the others, which go on from there: Holm's test (1979),
    extended to ordered hypotheses by Bretz et al. (2009, doi 10.1002/sim.3495). To hand a share on
    as soon as a walk's first threshold passes would not do, since its next may still be wrong.
    """
    walks = _walks(judged, copies, len(classes))
    level = _ERROR_RATE / max(len(walks), 1) if family else _ERROR_RATE
    needed = max(FEWEST_ACCEPTED, math.ceil(math.log(level) / math.log(wanted)))
    walks = [walk.starting_at(needed) for walk in walks]
    passed = (
        _passed_together(walks, wanted)
        if family
        else [walk.passed(wanted, _ERROR_RATE) for walk in walks]
    )
    found: dict[str, Certificate] = {}
    for walk, steps in zip(walks, passed, strict=True):
        if steps:
            threshold, count = float(walk.thresholds[steps - 1]), int(walk.accepted[steps - 1])
            certificate = Certificate(wanted, threshold, count, walk.pooled, family)
            found.update({classes[number]: certificate for number in walk.classes})
    return Certification(found)


def _walks(judged: HeldOutPredictions, copies: Rows, classes: int) -> list[_Walk]:
    """Return the tests that predictions and confidences allow, whatever of them is right."""
    drawn = take_rows(judged, one_of_each(copies))
    sizes = np.bincount(drawn.predicted, minlength=classes)
    common = np.flatnonzero(sizes >= _FEWEST_FOR_OWN)
    rare = np.flatnonzero((sizes > 0) & (sizes < _FEWEST_FOR_OWN))
    walks = [_walk(drawn, (number,), pooled=False) for number in common.tolist()]
    walks.append(_walk(drawn, tuple(rare.tolist()), pooled=True))
    return [walk for walk in walks if len(walk.thresholds)]


def _walk(judged: HeldOutPredictions, classes: tuple[int, ...], *, pooled: bool) -> _Walk:
    here = np.isin(judged.predicted, classes)
    thresholds = np.array(GRID)
    accepted = judged.confidence[here][:, None] >= thresholds
    right = accepted & (judged.predicted == judged.labels)[here][:, None]
    whole = _Walk(classes, pooled, thresholds, accepted.sum(axis=0), right.sum(axis=0))
    return whole.starting_at(FEWEST_ACCEPTED)


def _passed_together(walks: Sequence[_Walk], wanted: float) -> list[int]:
    """Return how many thresholds of each walk pass when all of them share one error level."""
    finished = 0
    while True:
        level = _ERROR_RATE / max(len(walks) - finished, 1)
        passed = [walk.passed(wanted, level) for walk in walks]
        now = sum(steps == len(walk.thresholds) for walk, steps in zip(walks, passed, strict=True))
        if now == finished:
            return passed
        finished = now

"""Certifies `auto`: finds for each class a confidence threshold with a proven precision."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base.predictions import Certificate
from models.classification.calibrated_predictor import Certification
from models.classification.learning.cross_validation import Rows, one_of_each
from training.evaluation.binomial_intervals import lower_bound, upper_bound
from training.evaluation.metrics import HeldOutPredictions, take_rows
from training.plan import WANTED_PRECISION

_ERROR_RATE = 0.05
FEWEST_ACCEPTED = 36
_MIN_GROUPS_ALONE = 100
_MOST_UNDER_RATED = 0.05
_SEVERE_LEVELS = 2
# The grid is fixed in advance: the proof would not hold for a grid chosen by looking at the scores.
GRID = (0.999, 0.998, 0.996, 0.994, 0.992, *(round(0.99 - 0.01 * step, 2) for step in range(50)))


@dataclass(frozen=True, slots=True)
class _ThresholdSequence:
    """The thresholds to test for one class, or for all rare classes, in falling order.

    `accepted` counts, for each threshold, the groups of near-copies whose confidence reaches it;
    `right` counts the correct predictions among these.
    """

    classes: tuple[int, ...]
    pooled: bool
    thresholds: NDArray[np.float64]
    accepted: Rows
    right: Rows

    def count_passed(self, precision: float, level: float) -> int:
        """Return how many thresholds pass at this error level before the first one fails."""
        failures = np.flatnonzero(lower_bound(self.right, self.accepted, level) < precision)
        return int(failures[0]) if len(failures) else len(self.thresholds)

    def drop_thresholds_below(self, min_accepted: int) -> "_ThresholdSequence":
        """Return the sequence without the thresholds that accept fewer than `min_accepted`."""
        is_kept = self.accepted >= min_accepted
        return _ThresholdSequence(
            self.classes,
            self.pooled,
            self.thresholds[is_kept],
            self.accepted[is_kept],
            self.right[is_kept],
        )


def certify(
    predictions: HeldOutPredictions,
    classes: Sequence[str],
    copies: Rows,
    *,
    precision: float = WANTED_PRECISION,
    family: bool = False,
    severe_from: int | None = None,
) -> Certification:
    """Return the certificates that held-out predictions prove.

    For each class, thresholds are tested from the highest to the lowest. A tested threshold
    accepts at least 36 groups of near-copies, or more if 36 correct answers cannot prove
    `precision`. Testing stops when the one-sided lower 95% Clopper-Pearson bound of the precision
    is below `precision`; the certificate has the last threshold that passed. Because testing stops
    at the first failure, the precision of a class is lower than certified with a probability of at
    most 5% (fixed-sequence Learn-then-Test, Angelopoulos et al. 2021, arXiv 2110.01052). Classes
    that are predicted for fewer than 100 groups are tested together; their certificates are marked
    `pooled`.

    With `family`, the probability that any certificate of the model is wrong is at most 5%. Each of
    the k sequences of tests begins with 1/k of the error level. When all thresholds of a sequence
    pass, its share of the error level is divided among the other sequences, which are tested again:
    Holm's test (1979), extended to ordered hypotheses by Bretz et al. (2009, doi
    10.1002/sim.3495). A sequence whose testing stopped at a threshold keeps its share, since that
    threshold could still be accepted wrongly.

    Levels with a number of at least `severe_from` are severe. They need a second proof, because a
    high precision may hide that the few severe incidents are rated too low: at most 5% of the
    severe incidents may be rated below `severe_from` as `auto` (upper 95% Clopper-Pearson bound, on
    one incident of each group of near-copies). The thresholds of the lower levels are raised until
    this is proven. If no threshold proves it, the lower levels get no certificate. `withheld` says
    what was done and why.
    """
    sequences = _threshold_sequences(predictions, copies, len(classes))
    level = _ERROR_RATE / max(len(sequences), 1) if family else _ERROR_RATE
    min_accepted = max(FEWEST_ACCEPTED, math.ceil(math.log(level) / math.log(precision)))
    sequences = [sequence.drop_thresholds_below(min_accepted) for sequence in sequences]
    passed_counts = (
        _count_passed_together(sequences, precision)
        if family
        else [sequence.count_passed(precision, _ERROR_RATE) for sequence in sequences]
    )
    withheld = None
    if severe_from is not None:
        sample = take_rows(predictions, one_of_each(copies))
        limit = _UnderRatingLimit(sample, sequences, classes, severe_from)
        passed_counts, withheld = limit.apply(passed_counts)
    certificates: dict[str, Certificate] = {}
    for sequence, passed_count in zip(sequences, passed_counts, strict=True):
        if passed_count:
            threshold = float(sequence.thresholds[passed_count - 1])
            accepted = int(sequence.accepted[passed_count - 1])
            certificate = Certificate(precision, threshold, accepted, sequence.pooled, family)
            certificates.update({classes[number]: certificate for number in sequence.classes})
    return Certification(certificates, withheld)


def severe_levels_from(labels: Rows) -> int | None:
    """Return the number of the second highest level that occurs, or of the higher one of two.

    None if fewer than two levels occur.

    >>> severe_levels_from(np.array([0, 1, 1, 3])), severe_levels_from(np.array([0, 1]))
    (1, 1)
    """
    levels = np.unique(labels)
    return int(levels[-min(_SEVERE_LEVELS, len(levels) - 1)]) if len(levels) > 1 else None


@dataclass(frozen=True, slots=True)
class _UnderRatingLimit:
    """The second proof of ordered levels: few severe incidents are rated too low as `auto`.

    `sample` holds one held-out incident of each group of near-copies.
    """

    sample: HeldOutPredictions
    sequences: Sequence[_ThresholdSequence]
    classes: Sequence[str]
    severe_from: int

    def apply(self, passed_counts: Sequence[int]) -> tuple[list[int], str | None]:
        """Return how many thresholds of each sequence remain, and what was raised or withheld.

        The lowest common threshold of the lower levels is tested from the highest to the lowest
        value. A lower value never leaves fewer under-rated incidents, so testing stops at the first
        failure.
        """
        severe = int((self.sample.labels >= self.severe_from).sum())
        remaining = self._above(np.inf, passed_counts)
        for floor in (*GRID, 0.0):
            tested = self._above(floor, passed_counts)
            if upper_bound(self._under_rated(tested), severe) > _MOST_UNDER_RATED:
                break
            remaining = tested
        if remaining == list(passed_counts):
            return remaining, None
        return remaining, self._explain(severe, self._under_rated(passed_counts), remaining)

    def _above(self, floor: float, passed_counts: Sequence[int]) -> list[int]:
        """Return how many thresholds remain if lower levels have only those from `floor` up."""
        return [
            min(count, int((sequence.thresholds >= floor).sum()))
            if min(sequence.classes) < self.severe_from
            else count
            for sequence, count in zip(self.sequences, passed_counts, strict=True)
        ]

    def _under_rated(self, passed_counts: Sequence[int]) -> int:
        """Return how many severe incidents would be rated below the severe levels as `auto`."""
        thresholds = np.full(len(self.classes), np.inf)
        for sequence, count in zip(self.sequences, passed_counts, strict=True):
            if count:
                thresholds[list(sequence.classes)] = sequence.thresholds[count - 1]
        is_auto = self.sample.confidence >= thresholds[self.sample.predicted]
        is_severe = self.sample.labels >= self.severe_from
        return int((is_severe & is_auto & (self.sample.predicted < self.severe_from)).sum())

    def _explain(self, severe: int, under_rated: int, remaining: Sequence[int]) -> str:
        level = self.classes[self.severe_from]
        cause = (
            f"of {severe} held-out incidents that people rated {level} or more severe, "
            f"{under_rated} would be rated lower without a person, and it is not proven that at "
            f"most {_MOST_UNDER_RATED:.0%} would be"
        )
        is_any_left = any(
            count and min(sequence.classes) < self.severe_from
            for sequence, count in zip(self.sequences, remaining, strict=True)
        )
        if is_any_left:
            return f"auto below {level} needs more confidence than its precision alone: {cause}"
        return f"auto is withheld below {level}: {cause}"


def _threshold_sequences(
    predictions: HeldOutPredictions, copies: Rows, classes: int
) -> list[_ThresholdSequence]:
    """Return the thresholds to test for each common class, and for the rare classes together.

    These thresholds do not depend on which answers are correct.
    """
    sample = take_rows(predictions, one_of_each(copies))
    group_counts = np.bincount(sample.predicted, minlength=classes)
    common = np.flatnonzero(group_counts >= _MIN_GROUPS_ALONE)
    rare = np.flatnonzero((group_counts > 0) & (group_counts < _MIN_GROUPS_ALONE))
    sequences = [_threshold_sequence(sample, (number,), pooled=False) for number in common.tolist()]
    sequences.append(_threshold_sequence(sample, tuple(rare.tolist()), pooled=True))
    return [sequence for sequence in sequences if len(sequence.thresholds)]


def _threshold_sequence(
    predictions: HeldOutPredictions, classes: tuple[int, ...], *, pooled: bool
) -> _ThresholdSequence:
    has_class = np.isin(predictions.predicted, classes)
    thresholds = np.array(GRID)
    accepted = predictions.confidence[has_class][:, None] >= thresholds
    right = accepted & (predictions.predicted == predictions.labels)[has_class][:, None]
    sequence = _ThresholdSequence(
        classes, pooled, thresholds, accepted.sum(axis=0), right.sum(axis=0)
    )
    return sequence.drop_thresholds_below(FEWEST_ACCEPTED)


def _count_passed_together(sequences: Sequence[_ThresholdSequence], precision: float) -> list[int]:
    """Return how many thresholds of each sequence pass when the sequences share one error level."""
    finished = 0
    while True:
        level = _ERROR_RATE / max(len(sequences) - finished, 1)
        passed_counts = [sequence.count_passed(precision, level) for sequence in sequences]
        finished_now = sum(
            passed_count == len(sequence.thresholds)
            for sequence, passed_count in zip(sequences, passed_counts, strict=True)
        )
        if finished_now == finished:
            return passed_counts
        finished = finished_now

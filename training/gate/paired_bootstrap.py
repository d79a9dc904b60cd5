"""Measures the gain of one version over another on the same incidents."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from training.evaluation.bootstrap import Floats, percentile_interval
from training.evaluation.metrics import kappa_of_counts

_REPLICATES = 1000
_REPLICATES_AT_ONCE = 100
_MIN_BLOCKS = 30


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of two versions to the same incidents.

    `labels` (the correct labels), `ours` and `theirs` (the two versions' answers) give each
    incident's class as a number below `classes`. `blocks` says, by number, to which day or group
    each incident belongs, and `copies` to which group of near-copies.
    """

    labels: Rows
    ours: Rows
    theirs: Rows
    blocks: Rows
    copies: Rows
    classes: int

    def take(self, rows: Rows) -> "Answers":
        """Return the answers to these incidents only."""
        return Answers(
            self.labels[rows],
            self.ours[rows],
            self.theirs[rows],
            self.blocks[rows],
            self.copies[rows],
            self.classes,
        )

    @property
    def groups(self) -> int:
        """The number of groups of near-copies."""
        return len(np.unique(self.copies))

    @property
    def units(self) -> Rows:
        """The number of each incident's unit to resample.

        The units are the blocks, or with fewer than 30 blocks the groups of near-copies.
        """
        _, block_numbers = np.unique(self.blocks, return_inverse=True)
        return block_numbers if block_numbers.max(initial=-1) + 1 >= _MIN_BLOCKS else self.copies


@dataclass(frozen=True, slots=True)
class GainEstimate(Estimate):
    """The metric of `ours` minus that of `theirs`, with 95% interval and standard `error`."""

    error: float


def accuracy_gain(answers: Answers) -> GainEstimate:
    """Return the accuracy of `ours` minus that of `theirs`.

    >>> right, wrong = np.zeros(40, dtype=np.int64), np.ones(40, dtype=np.int64)
    >>> accuracy_gain(Answers(right, right, wrong, np.arange(40), np.arange(40), 2)).low
    1.0
    """
    is_right = answers.labels == np.stack([answers.ours, answers.theirs])
    gain = is_right[0].astype(np.float64) - is_right[1]
    row_values = np.stack([gain, np.ones(len(gain))], axis=1)
    return _estimate_gain(row_values, answers.units, lambda sums: sums[:, 0] / sums[:, 1])


def kappa_gain(answers: Answers) -> GainEstimate:
    """Return the quadratically weighted kappa (Cohen 1968) of `ours` minus that of `theirs`."""
    classes = answers.classes

    def gain(sums: Floats) -> Floats:
        costs, labels, ours, theirs = np.split(sums, [2, 2 + classes, 2 + 2 * classes], axis=1)
        our_kappas = kappa_of_counts(costs[:, 0], labels, ours)
        return our_kappas - kappa_of_counts(costs[:, 1], labels, theirs)

    predicted = np.stack([answers.ours, answers.theirs], axis=1)
    one_hot = np.eye(classes)
    columns = [
        (answers.labels[:, None] - predicted) ** 2.0,
        one_hot[answers.labels],
        one_hot[answers.ours],
        one_hot[answers.theirs],
    ]
    return _estimate_gain(np.concatenate(columns, axis=1, dtype=np.float64), answers.units, gain)


def _estimate_gain(
    row_values: Floats, units: Rows, statistic: Callable[[Floats], Floats]
) -> GainEstimate:
    """Return a statistic with its 95% interval by 1,000 resamples of the units (Efron 1979).

    `row_values` has a row for each incident. The rows of a unit are summed, and `statistic` maps
    the sums over all units of a resample to its value. Units with equal sums are interchangeable,
    so a resample is one multinomial draw of how often each distinct sum occurs. This bootstrap is
    equivalent to drawing units and takes a hundredth of the time.
    """
    unit_numbers, unit_count = np.unique(units, return_inverse=True)[1], len(np.unique(units))
    sums: Floats = np.stack(
        [np.bincount(unit_numbers, column, unit_count) for column in row_values.T], axis=1
    )
    distinct_sums, sum_counts = np.unique(sums, axis=0, return_counts=True)
    generator, batches = np.random.default_rng(0), []
    for _ in range(_REPLICATES // _REPLICATES_AT_ONCE):
        draw_counts = generator.multinomial(
            unit_count, sum_counts / unit_count, size=_REPLICATES_AT_ONCE
        )
        batches.append(statistic(draw_counts @ distinct_sums))
    replicates = np.concatenate(batches)
    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    estimate = percentile_interval(value, replicates)
    return GainEstimate(*estimate.triple, error=float(replicates.std()))

"""How much better one version answers than another, on the same incidents: paired bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.base.estimate import Estimate
from models.classification.cross_validation import Rows
from training.evaluation.bootstrap import Floats, percentile_interval
from training.evaluation.metrics import kappa_of_counts

_REPLICATES = 1000
_AT_ONCE = 100
_FEWEST_BLOCKS = 30


@dataclass(frozen=True, slots=True)
class Answers:
    """Two versions' answers to the same incidents.

    `labels`, `ours` and `theirs` number the `classes`; `blocks` numbers the incidents' days or
    groups, `copies` their groups of near-copies.
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
        """What is drawn anew: days or groups, near-copies where there are fewer than 30 of them."""
        _, found = np.unique(self.blocks, return_inverse=True)
        return found if found.max(initial=-1) + 1 >= _FEWEST_BLOCKS else self.copies


@dataclass(frozen=True, slots=True)
class GainEstimate(Estimate):
    """Ours less theirs, with its 95% interval and the standard `error`."""

    error: float


def accuracy_gain(answers: Answers) -> GainEstimate:
    """Return our accuracy less theirs.

    >>> right, wrong = np.zeros(40, dtype=np.int64), np.ones(40, dtype=np.int64)
    >>> accuracy_gain(Answers(right, right, wrong, np.arange(40), np.arange(40), 2)).low
    1.0
    """
    right = answers.labels == np.stack([answers.ours, answers.theirs])
    gain = right[0].astype(np.float64) - right[1]
    counted = np.stack([gain, np.ones(len(gain))], axis=1)
    return _difference(counted, answers.units, lambda sums: sums[:, 0] / sums[:, 1])


def kappa_gain(answers: Answers) -> GainEstimate:
    """Return our quadratically weighted kappa (Cohen 1968) less theirs."""
    classes = answers.classes

    def gain(sums: Floats) -> Floats:
        costs, labels, ours, theirs = np.split(sums, [2, 2 + classes, 2 + 2 * classes], axis=1)
        our_kappas = kappa_of_counts(costs[:, 0], labels, ours)
        return our_kappas - kappa_of_counts(costs[:, 1], labels, theirs)

    predicted = np.stack([answers.ours, answers.theirs], axis=1)
    shares = np.eye(classes)
    counted = [
        (answers.labels[:, None] - predicted) ** 2.0,
        shares[answers.labels],
        shares[answers.ours],
        shares[answers.theirs],
    ]
    return _difference(np.concatenate(counted, axis=1, dtype=np.float64), answers.units, gain)


def _difference(counted: Floats, units: Rows, figure: Callable[[Floats], Floats]) -> GainEstimate:
    """Draw the units anew a thousand times (Efron 1979), and return the figure of their sums.

    `counted` has a row for each incident. Units that count alike are drawn together, by one
    multinomial for all: few kinds of them make the same bootstrap in a hundredth of the time.
    """
    numbers, count = np.unique(units, return_inverse=True)[1], len(np.unique(units))
    sums: Floats = np.stack([np.bincount(numbers, column, count) for column in counted.T], axis=1)
    kinds, sizes = np.unique(sums, axis=0, return_counts=True)
    generator, drawn = np.random.default_rng(0), []
    for _ in range(_REPLICATES // _AT_ONCE):
        times = generator.multinomial(count, sizes / count, size=_AT_ONCE)
        drawn.append(figure(times @ kinds))
    replicates = np.concatenate(drawn)
    value = float(figure(sums.sum(axis=0, keepdims=True))[0])
    found = percentile_interval(value, replicates)
    return GainEstimate(*found.triple, error=float(replicates.std()))

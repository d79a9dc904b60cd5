"""How often the gate lets a worse, an equal or a better challenger pass, on simulated answers.

`python tests/benchmarks/gate_simulation.py` prints a table; `--margins` tries other margins too.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions
from training.gate import decide
from training.gate.decide import judge_challenger
from training.gate.opponents import Opponent, Opponents

LABELS = 2000
TRIALS = 500
CHALLENGERS = (("worse by 2 points", -0.02), ("equal", 0.0), ("better by 3 points", 0.03))
DISCORDANCES = (0.04, 0.08, 0.12, 0.2)
"""Shares of the incidents that only one of the two answers rightly."""

MARGINS = (0.005, 0.0075, 0.01, 0.015, 0.02)
"""How much worse the lower bound of an equal challenger may be."""

_ACCURACY = 0.85
_COPIED = 0.13
_COPIES = 3
_CLASSES = 8
_LABELS = tuple(f"class {number}" for number in range(_CLASSES))


@dataclass(frozen=True, slots=True)
class Simulated:
    """How often a challenger was promoted that is better by `gain`, at one rate of discordance."""

    challenger: str
    gain: float
    discordance: float
    promoted: int
    trials: int


def simulate(
    gain: float, discordance: float, trials: int, labels: int = LABELS, seed: int = 0
) -> int:
    """Return how many of the trials end with a promotion; challengers are always fresher."""
    generator = np.random.default_rng(seed)
    return sum(_is_promoted(generator, gain, discordance, labels) for _ in range(trials))


def simulate_all(trials: int = TRIALS) -> tuple[Simulated, ...]:
    """Simulate each challenger at each discordance that allows its gain."""
    return tuple(
        Simulated(name, gain, discordance, simulate(gain, discordance, trials), trials)
        for name, gain in CHALLENGERS
        for discordance in DISCORDANCES
    )


def _is_promoted(
    generator: np.random.Generator, gain: float, discordance: float, labels: int
) -> bool:
    """Draw two versions' answers, and ask the gate.

    An eighth of the incidents are near-copies in threes. Of half of these groups both versions
    answer all alike, so that a group is right or wrong as a whole; the others are answered one by
    one, for versions that read who called and when do so.
    """
    copies = _copy_groups(generator, labels)
    drawn = generator.random(labels)
    alike = (generator.random(labels) < 0.5)[copies]
    drawn = np.where(alike, drawn[copies], drawn)
    only_ours, only_theirs = (discordance + gain) / 2, (discordance - gain) / 2
    both = _ACCURACY - only_theirs
    ours = drawn < both + only_ours
    theirs = (drawn < both) | ((drawn >= both + only_ours) & (drawn < both + discordance))
    truth = generator.integers(0, _CLASSES, labels)
    wrong = (truth + generator.integers(1, _CLASSES, labels)) % _CLASSES
    predicted = np.where(theirs, truth, wrong)
    opponent = Opponent("1", np.arange(labels), tuple(_LABELS[number] for number in predicted))
    challenger = _evaluation(truth, np.where(ours, truth, wrong), copies)
    opponents = Opponents(champion=opponent, freshness="its data end 30 days later")
    return judge_challenger(challenger, opponents, ordered=False).promoted


def _copy_groups(generator: np.random.Generator, labels: int) -> np.ndarray:
    """Number each incident's group by one of its members."""
    groups = np.arange(labels)
    copied = generator.permutation(labels)[: int(_COPIED * labels) // _COPIES * _COPIES]
    sets = copied.reshape(-1, _COPIES)
    groups[sets] = sets[:, :1]
    return groups


def _evaluation(truth: np.ndarray, predicted: np.ndarray, copies: np.ndarray) -> Evaluation:
    count = len(truth)
    sure = np.full(count, _ACCURACY)
    judged = HeldOutPredictions(truth, predicted, sure, np.full(count, 0.5), copies, _CLASSES)
    baseline = HeldOutPredictions(
        truth, np.zeros_like(truth), sure, np.full(count, 2.0), copies, _CLASSES
    )
    names = tuple(map(str, range(count)))
    return Evaluation(np.arange(count), copies, names, _LABELS, judged, baseline, ())


def _with_margins(margins: Sequence[float], trials: int) -> Iterator[tuple[float, Simulated]]:
    bound = decide.TOLERATED_BOUND
    for margin in margins:
        decide.TOLERATED_BOUND = margin
        for simulated in simulate_all(trials):
            yield margin, simulated
    decide.TOLERATED_BOUND = bound


def main() -> None:
    """Print how often each challenger is promoted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--margins", action="store_true", help="try other margins too")
    parser.add_argument("--trials", type=int, default=TRIALS)
    arguments = parser.parse_args()
    table = Table("margin", "challenger", "discordance", "promoted")
    margins = MARGINS if arguments.margins else (decide.TOLERATED_BOUND,)
    for margin, simulated in _with_margins(margins, arguments.trials):
        share = f"{simulated.promoted} of {simulated.trials}"
        table.add_row(f"{margin:g}", simulated.challenger, f"{simulated.discordance:g}", share)
    Console().print(table)


if __name__ == "__main__":
    main()

"""Vetoes a challenger that is significantly worse than the champion on a slice of incidents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from features.formatting import counted, interval
from models.base.gate_verdict import Comparison, Verdict
from models.classification.scorers.scorer import Rows
from training.evaluation.slices import Slice
from training.gate.paired_bootstrap import Answers, GainEstimate, accuracy_gain

TOLERATED_FALL = 0.02
"""How much lower the accuracy on a slice may be: two percentage points."""

_MIN_GROUPS = 100
_MIN_INCIDENTS = 20
_ERROR_RATE = 0.05
_MAX_WARNINGS = 10


@dataclass(frozen=True, slots=True)
class _SliceGain:
    """The gain in accuracy on a slice.

    `p_value` is the p-value of the null hypothesis that the loss is at most two points.
    """

    comparison: Comparison
    p_value: float

    def __str__(self) -> str:
        result = self.comparison
        return (
            f"accuracy {result.value:+.3f} in {result.name}, 95% interval "
            f"{interval(result.low, result.high, '+.3f')} on "
            f"{counted(result.incidents, 'incident')}"
        )


def judge_slices(answers: Answers, rows: Rows, slices: Sequence[Slice]) -> Verdict:
    """Refuse a challenger that is significantly more than two points worse on a slice.

    Slices with at least 100 groups of near-copies are tested, all together by Holm's procedure
    (1979) at an error rate of 5%, so that many slices do not cause a veto by chance. A measured
    loss of at least two points without a veto is a warning, if the slice has at least 20 answers.
    `rows` are the indices of the answered incidents among the challenger's held-out incidents; the
    rows of the slices are indices of the same kind.
    """
    places = {row: place for place, row in enumerate(rows.tolist())}
    gains = []
    for part in slices:
        part_places = [places[row] for row in part.rows.tolist() if row in places]
        if len(part_places) >= _MIN_INCIDENTS:
            gains.append(_slice_gain(part, answers.take(np.array(part_places))))
    tested_gains = [gain for gain in gains if gain.comparison.groups >= _MIN_GROUPS]
    vetoes = _find_vetoes(tested_gains)
    losses = [gain for gain in gains if gain.comparison.value <= -TOLERATED_FALL]
    doubtful_losses = [gain for gain in losses if gain not in vetoes]
    untested_losses = [gain for gain in doubtful_losses if gain not in tested_gains]
    compared_gains = (*tested_gains, *untested_losses[:_MAX_WARNINGS])
    return Verdict(
        promoted=not vetoes,
        reasons=tuple(f"a slice is worse by more than two points: {gain}" for gain in vetoes),
        warnings=_describe_losses(doubtful_losses),
        comparisons=tuple(gain.comparison for gain in compared_gains),
    )


def _slice_gain(part: Slice, answers: Answers) -> _SliceGain:
    gain = accuracy_gain(answers)
    count = len(answers.labels)
    comparison = Comparison(part.title, "accuracy", count, answers.groups, *gain.triple)
    return _SliceGain(comparison, _p_value(gain))


def _p_value(gain: GainEstimate) -> float:
    distance = gain.value + TOLERATED_FALL
    if gain.error == 0:
        return 0.0 if distance < 0 else 1.0
    return float(norm.cdf(distance / gain.error))


def _find_vetoes(gains: Sequence[_SliceGain]) -> list[_SliceGain]:
    """Return the significant losses by Holm's procedure, the most significant first."""
    vetoes = []
    for place, gain in enumerate(sorted(gains, key=lambda gain: gain.p_value)):
        if gain.p_value > _ERROR_RATE / (len(gains) - place):
            break
        vetoes.append(gain)
    return vetoes


def _describe_losses(losses: Sequence[_SliceGain]) -> tuple[str, ...]:
    """Return a line for each of the ten largest losses of answers, and a line for the others."""
    by_cost = sorted(losses, key=lambda gain: gain.comparison.value * gain.comparison.incidents)
    lines = [str(gain) for gain in by_cost[:_MAX_WARNINGS]]
    if len(by_cost) > _MAX_WARNINGS:
        count = len(by_cost) - _MAX_WARNINGS
        lines.append(f"{counted(count, 'more slice')} with a loss of two points or more")
    return tuple(lines)

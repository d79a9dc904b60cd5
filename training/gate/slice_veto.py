"""Whether a slice of the incidents pays for what the others gain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from features.formatting import counted, interval
from models.base.gate_verdict import Comparison, Verdict
from models.classification.cross_validation import Rows
from training.evaluation.slices import Slice
from training.gate.paired_bootstrap import Answers, GainEstimate, accuracy_gain

TOLERATED_FALL = 0.02
"""How much a slice's accuracy may fall: two points."""

_FEWEST_GROUPS = 100
_FEWEST_INCIDENTS = 20
_ERROR_RATE = 0.05
_MOST_WARNINGS = 10


@dataclass(frozen=True, slots=True)
class _Fall:
    """A slice's gain or fall; `chance` is that of such a fall where it were two points at most."""

    comparison: Comparison
    chance: float

    def __str__(self) -> str:
        found = self.comparison
        return (
            f"accuracy {found.value:+.3f} in {found.name}, 95% interval "
            f"{interval(found.low, found.high, '+.3f')} on {counted(found.incidents, 'incident')}"
        )


def judge_slices(answers: Answers, rows: Rows, slices: Sequence[Slice]) -> Verdict:
    """Refuse a challenger that fell by more than two points in a slice, beyond doubt.

    Tested are slices of 100 groups of near-copies or more, all together by Holm's procedure (1979)
    at an error of one in twenty, so that many slices do not make a veto by chance. Other falls of
    two points are warnings. `rows` are the answers' places among the judged incidents, which the
    slices number too.
    """
    places = {row: place for place, row in enumerate(rows.tolist())}
    found = []
    for part in slices:
        here = [places[row] for row in part.rows.tolist() if row in places]
        if len(here) >= _FEWEST_INCIDENTS:
            found.append(_fall(part, answers.take(np.array(here))))
    tested = [each for each in found if each.comparison.groups >= _FEWEST_GROUPS]
    vetoed = _rejected(tested)
    fallen = [each for each in found if each.comparison.value <= -TOLERATED_FALL]
    doubtful = [each for each in fallen if each not in vetoed]
    return Verdict(
        promoted=not vetoed,
        reasons=tuple(f"a slice fell by more than two points: {each}" for each in vetoed),
        warnings=_warnings(doubtful),
        comparisons=tuple(each.comparison for each in (*tested, *_untested(doubtful, tested))),
    )


def _fall(part: Slice, answers: Answers) -> _Fall:
    gain = accuracy_gain(answers)
    count = len(answers.labels)
    comparison = Comparison(part.title, "accuracy", count, answers.groups, *gain.triple)
    return _Fall(comparison, _chance(gain))


def _chance(gain: GainEstimate) -> float:
    beyond = gain.value + TOLERATED_FALL
    if gain.error == 0:
        return 0.0 if beyond < 0 else 1.0
    return float(norm.cdf(beyond / gain.error))


def _rejected(tested: Sequence[_Fall]) -> list[_Fall]:
    """Return the falls beyond the margin that Holm's procedure finds, the surest first."""
    found = []
    for place, each in enumerate(sorted(tested, key=lambda fall: fall.chance)):
        if each.chance > _ERROR_RATE / (len(tested) - place):
            break
        found.append(each)
    return found


def _warnings(doubtful: Sequence[_Fall]) -> tuple[str, ...]:
    """Put into words the falls that cost most right answers."""
    by_cost = sorted(doubtful, key=lambda fall: fall.comparison.value * fall.comparison.incidents)
    more = len(by_cost) - _MOST_WARNINGS
    rest = (f"{more} smaller slices fell by two points or more too",) if more > 0 else ()
    return (*(str(each) for each in by_cost[:_MOST_WARNINGS]), *rest)


def _untested(doubtful: Sequence[_Fall], tested: Sequence[_Fall]) -> list[_Fall]:
    return [each for each in doubtful if each not in tested][:_MOST_WARNINGS]

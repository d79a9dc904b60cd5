"""Scores series in which people revoked routines: what was one is flagged, and never relearned."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.timeseries.recurrence import LARGER_OF_LONG, RARE_PER_WEEK, SMALLER_OF_LONG
from features.timeseries.state import DURATION, HIGHEST, LOWEST, SIZE
from models.base.series_model import SeriesScores, UpdateStates
from models.timeseries.routines import LEAST_SPREADS
from models.timeseries.usual_values import unlearn

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RevokedRoutine:
    """A routine that a person revoked: the row of its series, its lowest and its highest value."""

    row: int
    lower: float
    upper: float


def update_revoked(
    revoked: Sequence[RevokedRoutine],
    update: UpdateStates,
    step_seconds: int,
    states: NDArray[np.void],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    clock: NDArray[np.int64],
) -> SeriesScores:
    """Score points by `update`; excursions like a revoked routine are flagged at every budget.

    Their rare points get an alarm rate of 0, because a person said that they are no false alarms.
    The states forget them at least daily, before they are routine again, and what they did to the
    usual values. The scores of other series are those of `update`.

    >>> from models.timeseries.anomaly_model import AnomalyModel
    >>> model, times = AnomalyModel(step_seconds=3600), 3600 * np.arange(1, 49)
    >>> states, values = model.start(1), np.ones((1, 48))
    >>> update_revoked([], model.update, 3600, states, times, values, times).score.shape
    (1, 48)
    """
    if not revoked or not len(times):
        return update(states, times, values, clock)
    borders = [0, *(np.flatnonzero(np.diff(times // _DAY)) + 1), len(times)]
    parts = []
    for first, last in pairwise(borders):
        part, shift = slice(first, last), float(clock[first] - times[first])
        _forget(revoked, states, shift, step_seconds)
        scores = update(states, times[part], values[:, part], clock[part])
        for routine in revoked:
            rates = scores.alarms_per_week[routine.row]
            _flag(routine, states[routine.row], times[part], rates)
        _forget(revoked, states, shift, step_seconds)
        parts.append(scores)
    return SeriesScores.joined(parts)


def forget_routine(
    state: np.void, lower: float, upper: float, *, shift: float, step_seconds: int
) -> None:
    """Remove the excursions like a routine with these values from a state, and what they taught.

    `shift` is how far local clocks are ahead of UTC, in seconds.
    """
    excursions, begins = state["excursions"], state["excursions_at"]
    is_like = (begins != 0) & _are_like(state, excursions, lower, upper)
    for place in np.flatnonzero(is_like):
        begin, excursion = float(begins[place]) + shift, excursions[place]
        until = begin + float(excursion[DURATION])
        unlearn(state, begin, until, float(excursion[SIZE]), step_seconds)
    is_kept = (begins != 0) & ~is_like
    kept = int(is_kept.sum())
    for name in ("excursions_at", "excursions"):
        remembered = state[name][is_kept]
        state[name][:kept] = remembered
        state[name][kept:] = 0


def _forget(
    revoked: Sequence[RevokedRoutine], states: NDArray[np.void], shift: float, step_seconds: int
) -> None:
    for one in revoked:
        state = states[one.row]
        forget_routine(state, one.lower, one.upper, shift=shift, step_seconds=step_seconds)


def _flag(
    routine: RevokedRoutine, state: np.void, times: NDArray[np.int64], rates: NDArray[np.float64]
) -> None:
    """Set the alarm rates of rare points in large excursions like the routine to 0."""
    begins = np.append(state["excursions_at"], state["began_at"])
    excursions = np.vstack([state["excursions"], state["excursion"]])
    is_large = np.abs(excursions[:, SIZE]) >= LEAST_SPREADS * state["spread"][0]
    is_like = _are_like(state, excursions, routine.lower, routine.upper)
    for place in np.flatnonzero((begins != 0) & is_large & is_like):
        until = begins[place] + excursions[place, DURATION]
        rates[(times >= begins[place]) & (times <= until) & (rates <= RARE_PER_WEEK)] = 0.0


def _are_like(
    state: np.void, excursions: NDArray[np.float64], lower: float, upper: float
) -> NDArray[np.bool_]:
    """Tell which excursions deviate about as far as a routine that reaches these values."""
    sizes = excursions[:, SIZE].astype(np.float64)
    rises = sizes > 0
    usual = np.where(rises, excursions[:, HIGHEST], excursions[:, LOWEST]) - sizes
    reached = np.where(rises, upper, lower) - state["origin"] - usual
    with np.errstate(over="ignore"):
        ratios = np.divide(sizes, reached, out=np.zeros_like(sizes), where=reached != 0)
    is_like: NDArray[np.bool_] = (ratios >= 1 / SMALLER_OF_LONG) & (ratios <= LARGER_OF_LONG)
    return is_like

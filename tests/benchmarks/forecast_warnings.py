"""How many breaches are warned of at least half an hour before, within a budget of false warnings.

Each hour below the level a warning is due if the probability within six hours reaches a threshold.
Ours is that of `warning_threshold`, from the past alone. Those of the peers are chosen afterwards,
as the least that keeps the budget over all series, which favours them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from forecast_origins import Origin, climatology, origins_of, weekly_sums
from telemetry_data import Floats, LabelledSeries, load_kpi, load_wsd

from models.timeseries.forecast.breach_curve import BreachCurve
from models.timeseries.forecast.warning_threshold import warning_threshold

_BUDGETS = (0.2, 1.0)
_LEAD_HOURS, _LEAST_SECONDS = 6, 1_800
_HOUR, _WEEK = 3_600, 604_800
_DRAWS = 1_000
_PEERS = ("Precedent, threshold chosen afterwards", "climatology", "persistence")


@dataclass(frozen=True, slots=True)
class Watched:
    """The hours of one series: probabilities by contender, thresholds by budget, what followed."""

    weeks: "np.ndarray[tuple[int], np.dtype[np.str_]]"
    times: Floats
    reached: Floats
    probabilities: dict[str, Floats]
    thresholds: dict[float, Floats]


def measure_warnings(series: int | None) -> list[tuple[str, float, float, float]]:
    """Return name, value and interval of recall and of false warnings a week, by budget."""
    watched = [_watch(one) for load in (load_wsd, load_kpi) for one in load()[:series]]
    watched = [one for one in watched if len(one.times)]
    rows = []
    for budget in _BUDGETS:
        own = [
            _judge(one, one.probabilities[_PEERS[0]] >= one.thresholds[budget]) for one in watched
        ]
        rows += _figures(f"warnings at a budget of {budget:g} a week", own)
        for name in _PEERS:
            threshold = _least_threshold(watched, name, budget)
            judged = [_judge(one, one.probabilities[name] >= threshold) for one in watched]
            rows += _figures(f"warnings at a budget of {budget:g} a week: {name}", judged)
    return rows


def _watch(series: LabelledSeries) -> Watched:
    hours = [
        (origin, reached)
        for origin in origins_of(series, 1)
        if (reached := origin.reached_after(_LEAD_HOURS)) is not None
    ]
    answers: dict[str, list[float]] = {name: [] for name in _PEERS}
    thresholds: dict[float, list[float]] = {budget: [] for budget in _BUDGETS}
    for number, (origin, _) in enumerate(hours):
        curve = BreachCurve.of(origin.blocks, origin.course, _LEAD_HOURS * _HOUR)
        answers[_PEERS[0]].append(curve.probability(_LEAD_HOURS * _HOUR))
        windows = origin.windows(_LEAD_HOURS)
        answers["climatology"].append(climatology(windows, origin.blocks)[0])
        answers["persistence"].append(float(origin.blocks.peaks[-windows.lead :].max() >= 1.0))
        for budget, chosen in thresholds.items():
            # It changes slowly, and is computed once a day.
            fresh = number % 24 == 0
            chosen.append(_threshold(origin, budget) if fresh else chosen[-1])
    return Watched(
        np.array([origin.week for origin, _ in hours]),
        np.array([float(series.times[origin.index]) for origin, _ in hours]),
        np.array([reached for _, reached in hours]),
        {name: np.array(values) for name, values in answers.items()},
        {budget: np.array(values) for budget, values in thresholds.items()},
    )


def _threshold(origin: Origin, budget: float) -> float:
    return warning_threshold(origin.blocks, origin.course, _LEAD_HOURS * _HOUR, budget)


def _judge(watched: Watched, is_due: Floats) -> Floats:
    """Return breaches caught, breaches, false warnings and weeks watched, one row an hour.

    A breach is caught if a warning was sent in the six hours before, at least half an hour before;
    breaches begin after six hours below the level. A warning is not repeated within six hours.
    """
    rows = np.zeros((len(watched.times), 4))
    rows[:, 3] = _HOUR / _WEEK
    silent_until, warned_at, breach_at = -np.inf, [], -np.inf
    for place, (time, reached) in enumerate(zip(watched.times, watched.reached, strict=True)):
        if is_due[place] and time >= silent_until:
            silent_until = time + _LEAD_HOURS * _HOUR
            warned_at.append(time)
            rows[place, 2] = not np.isfinite(reached)
        begins = time + reached
        if reached <= _HOUR and begins - breach_at >= _LEAD_HOURS * _HOUR:
            rows[place, 1] = 1.0
            early = [begins - at for at in warned_at[-3:]]
            rows[place, 0] = any(_LEAST_SECONDS <= lead <= _LEAD_HOURS * _HOUR for lead in early)
        if reached <= _HOUR:
            breach_at = begins
    return rows


def _figures(name: str, judged: list[Floats]) -> list[tuple[str, float, float, float]]:
    sums = np.array([rows.sum(axis=0) for rows in judged])
    drawn = weekly_sums(sums, np.arange(len(sums)), _DRAWS)
    measures: dict[str, Callable[[Floats], Floats]] = {
        "share of breaches, half an hour before": lambda s: s[:, 0] / np.maximum(s[:, 1], 1),
        "false ones a week and series": lambda s: s[:, 2] / s[:, 3],
    }
    return [
        (
            f"{name}: {measure}",
            float(compute(sums.sum(axis=0)[None])[0]),
            *(float(bound) for bound in np.quantile(compute(drawn), [0.025, 0.975])),
        )
        for measure, compute in measures.items()
    ]


def _least_threshold(watched: list[Watched], name: str, budget: float) -> float:
    candidates = np.linspace(0.02, 1.0, 50)
    for candidate in candidates:
        judged = [_judge(one, one.probabilities[name] >= candidate).sum(axis=0) for one in watched]
        total = np.sum(judged, axis=0)
        if total[2] <= budget * total[3]:
            return float(candidate)
    return 2.0

"""Judges the threshold of large groups: notifications a week over the budget, and faults found."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console
from series_zoo import DAY, HOUR, WEEK, Floats, Seconds, Twin, draw

from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.group_threshold import GroupThreshold, find_new_lows, no_lows

BUDGET, SIZE, WEEKS = 2.0, 1_000, 20
_JUDGED_FROM = 7 * WEEK  # four weeks after three weeks of past
_TOGETHER = 600
_FAULTS = ("level shift", "burst")
_TWINS_OF = 5

Rates = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """The rates of a group's series, shape (series, points), and those of some twins."""

    times: Seconds
    rates: Rates
    twins: tuple[tuple[int, Twin], ...]
    twin_rates: Rates


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Notifications a week over the budget, and by fault whether each twin was found in time."""

    over: float
    found: Mapping[str, tuple[bool, ...]]


def score_group(seeds: range, step: int) -> ScoredGroup:
    """Draw a group's series and some twins, and score them."""
    points = WEEKS * WEEK // step
    rows, twins, twin_rows = [], [], []
    for row, seed in enumerate(seeds):
        series, faults = draw(seed, step)
        rows.append(series.values[:points])
        times = series.times[:points]
        for twin in faults if row % _TWINS_OF == 0 else ():
            if twin.fault in _FAULTS and times[0] + _JUDGED_FROM <= twin.onset < times[-1] - DAY:
                twins.append((row, twin))
                twin_rows.append(twin.values[:points])
    return ScoredGroup(times, _rates(times, rows), tuple(twins), _rates(times, twin_rows))


def _rates(times: Seconds, rows: Sequence[Floats]) -> Rates:
    model = AnomalyModel(step_seconds=int(times[1] - times[0]))
    scores = model.update(model.start(len(rows)), times, np.array(rows, np.float64))
    return scores.alarms_per_week.astype(np.float32)


def equal_shares(group: ScoredGroup) -> Floats:
    """Return the threshold of each point if the series share the budget."""
    return np.full(len(group.times), BUDGET / len(group.rates))


def learned(group: ScoredGroup) -> Floats:
    """Return the threshold of each point as the group learns it, day by day."""
    count, points_a_day = len(group.rates), int(DAY // (group.times[1] - group.times[0]))
    threshold, lows = GroupThreshold(BUDGET), no_lows(count)
    found = np.empty(len(group.times))
    for first in range(0, len(found), points_a_day):
        part = slice(first, first + points_a_day)
        times, rates = group.times[part], group.rates[:, part].astype(np.float64)
        found[part] = threshold.per_week(float(times[0])) / count
        threshold.add(times, count * find_new_lows(lows, times, rates))
    return found


def judge(group: ScoredGroup, thresholds: Floats) -> RuleFigures:
    """Judge a rule by its threshold at each point.

    A fault is found by a flag before its deadline, if its twin without it has none in that time.
    """
    since = group.times[0] + _JUDGED_FROM
    weeks = (group.times[-1] - since) / WEEK
    limits = thresholds.astype(np.float32)
    found: dict[str, list[bool]] = {fault: [] for fault in _FAULTS}
    for (row, twin), rates in zip(group.twins, group.twin_rates, strict=True):
        within = (group.times >= twin.onset) & (group.times <= twin.until)
        is_flagged = bool((rates[within] <= limits[within]).any())
        was_flagged = bool((group.rates[row, within] <= limits[within]).any())
        found[twin.fault].append(is_flagged and not was_flagged)
    over = _notifications(group, limits, since) / weeks / BUDGET
    return RuleFigures(over, {fault: tuple(hits) for fault, hits in found.items()})


def _notifications(group: ScoredGroup, limits: Rates, since: float) -> int:
    """Count the flags that begin ten minutes or more after the one before."""
    last_flag = np.full(len(group.rates), -np.inf)
    begins = []
    for point in np.flatnonzero((group.rates <= limits).any(axis=0)):
        flagged, time = group.rates[:, point] <= limits[point], group.times[point]
        if time >= since and (time - last_flag[flagged] > HOUR).any():
            begins.append(time)
        last_flag[flagged] = time
    return int((np.diff(begins) > _TOGETHER).sum()) + 1 if begins else 0


def main(step: int, first_seed: int, groups: int) -> None:
    """Judge both rules on some groups, and on all their series as one group."""
    scored = [
        score_group(range(seed, seed + SIZE), step)
        for seed in range(first_seed, first_seed + groups * SIZE, SIZE)
    ]
    pairs = [(judge(group, equal_shares(group)), judge(group, learned(group))) for group in scored]
    named = list(_named(pairs))
    if groups > 1:
        whole = ScoredGroup(
            scored[0].times,
            np.concatenate([group.rates for group in scored]),
            (),
            np.empty((0, len(scored[0].times)), np.float32),
        )
        for rule, thresholds in (("equal", equal_shares(whole)), ("learned", learned(whole))):
            over = judge(whole, thresholds).over
            title = f"{rule} shares, one group of {groups * SIZE}: notifications over the budget"
            named.append(NamedFigure(title, over, over, over, "at most 1.5"))
    for figure in named:
        Console().print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")
    command = f"python tests/benchmarks/group_budgets.py {step} {first_seed} {groups}"
    note = (
        f"Groups of {SIZE} series of the zoo at {step} s, budget {BUDGET:g} a week, four weeks on."
    )
    section = named_figures_section(note, named, describe_run(command))
    keep_section(f"telemetry: large groups at {step} s", section)


def _named(pairs: Sequence[tuple[RuleFigures, RuleFigures]]) -> list[NamedFigure]:
    named = []
    for place, rule in enumerate(("equal", "learned")):
        over = np.array([pair[place].over for pair in pairs])
        title = f"{rule} shares, {len(pairs)} groups: notifications over the budget"
        named.append(NamedFigure(title, *_mean(over), "at most 1.5"))
    for fault in _FAULTS:
        old, new = (
            np.concatenate([pair[place].found[fault] for pair in pairs]).astype(float)
            for place in (0, 1)
        )
        for title, hits in (
            (f"equal shares: {fault} found in time, of {len(old)}", old),
            (f"learned shares: {fault} found in time, of {len(new)}", new),
            (f"learned less equal shares, paired: {fault}", new - old),
        ):
            named.append(NamedFigure(title, *_mean(hits)))
    return named


def _mean(numbers: Floats) -> tuple[float, float, float]:
    """Return a mean with its 95% bootstrap interval."""
    rng = np.random.default_rng(0)
    means = rng.choice(numbers, (2_000, len(numbers))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(numbers.mean()), float(low), float(high)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))

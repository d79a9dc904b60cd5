"""Measures on the zoo whether revoked routines are flagged each time, and nothing else more often.

The most frequent routine at a certain time of eight weeks is revoked. Flags are counted in the two
weeks from then on, and in the fifth and sixth week. The peer is the same series, its routine kept.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console
from series_zoo import DAY, HOUR, WEEK, Floats, ZooSeries, draw

from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.revoked_routines import RevokedRoutine, update_revoked
from models.timeseries.routines import find_routines

_REVOKED_AFTER, _JUDGED = 8 * WEEK, {"first two weeks": (0, 2), "weeks five and six": (4, 6)}
_SCHEDULED = ("job", "batch", "backups")
BUDGETS = (1.0, 0.02)


@dataclass(frozen=True, slots=True)
class RevokedFlags:
    """Of one series, by period and budget: the share of runs flagged, and flagged days apart."""

    found: dict[tuple[str, float], float]
    others: dict[tuple[str, float], float]


def judge(seed: int, *, is_revoked: bool) -> RevokedFlags | None:
    """Judge a series with a schedule whose routines were learned; None for another series."""
    series, _ = draw(seed)
    if series.kind.split(", ")[1] not in _SCHEDULED or series.step_seconds == DAY:
        return None
    rates = _rates_after(series, is_revoked=is_revoked)
    if rates is None:
        return None
    found, others = {}, {}
    for period, (first, last) in _JUDGED.items():
        begin = int(series.times[0]) + _REVOKED_AFTER
        span = begin + first * WEEK, begin + last * WEEK
        for budget in BUDGETS:
            flagged = series.times[rates <= budget].astype(np.float64)
            flagged = flagged[(flagged >= span[0]) & (flagged < span[1])]
            found[period, budget] = _share_of_runs(series, flagged, span)
            others[period, budget] = _days_apart(series, flagged) / (last - first)
    return RevokedFlags(found, others)


def _rates_after(series: ZooSeries, *, is_revoked: bool) -> Floats | None:
    """Return the alarm rates of all points; infinite before the revocation."""
    step, begin = series.step_seconds, _REVOKED_AFTER // series.step_seconds
    model = AnomalyModel(step_seconds=step)
    states, values = model.start(1), series.values[np.newaxis]
    model.update(states, series.times[:begin], values[:, :begin])
    timely = [one for one in find_routines(states[0]) if one.at is not None]
    if not timely:
        return None
    revoked = [RevokedRoutine(0, timely[0].lower, timely[0].upper)] if is_revoked else []
    times = series.times[begin:]
    update = partial(update_revoked, revoked, model.update, step)
    scores = update(states, times, values[:, begin:], times)
    return np.concatenate([np.full(begin, np.inf), scores.alarms_per_week[0]])


def _share_of_runs(series: ZooSeries, flagged: Floats, span: tuple[int, int]) -> float:
    begins, ends = series.run_times.T
    is_judged = (begins >= span[0]) & (ends < span[1])
    hits = [
        ((flagged >= begin - series.step_seconds) & (flagged <= end + HOUR)).any()
        for begin, end in zip(begins[is_judged], ends[is_judged], strict=True)
    ]
    return float(np.mean(hits))


def _days_apart(series: ZooSeries, flagged: Floats) -> float:
    """Count the days with a flag that is two hours or more away from every run."""
    begins, ends = series.run_times.T
    near = (flagged[:, None] >= begins - 2 * HOUR) & (flagged[:, None] <= ends + 2 * HOUR)
    return float(len(np.unique(flagged[~near.any(axis=1)] // DAY)))


def main(seeds: range) -> None:
    """Judge the series of some seeds with and without revocation, print and keep the figures."""
    named = []
    for name, is_revoked in (("revoked", True), ("kept", False)):
        judged = [judge(seed, is_revoked=is_revoked) for seed in seeds]
        known = [one for one in judged if one is not None]
        named += _named(f"{name}, {len(known)} series", known)
    for figure in named:
        Console().print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")
    run = describe_run(f"python tests/benchmarks/revoked_routines.py {seeds.start} {seeds.stop}")
    keep_section("telemetry: revoked routines", named_figures_section(__doc__ or "", named, run))


def _named(name: str, judged: Sequence[RevokedFlags]) -> list[NamedFigure]:
    figures = []
    for period in _JUDGED:
        for budget in BUDGETS:
            where = f"{name}, budget {budget:g}, {period}"
            found = [one.found[period, budget] for one in judged]
            others = [one.others[period, budget] for one in judged]
            figures.append(NamedFigure(f"{where}: runs flagged", *_mean(found)))
            figures.append(NamedFigure(f"{where}: other days flagged a week", *_mean(others)))
    return figures


def _mean(values: Sequence[float]) -> tuple[float, float, float]:
    """Return a mean over series with its 95% interval by resampling them."""
    rng, known = np.random.default_rng(0), np.array(values)
    means = known[rng.integers(len(known), size=(2_000, len(known)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(known.mean()), float(low), float(high)


if __name__ == "__main__":
    main(range(*map(int, sys.argv[1:3])))

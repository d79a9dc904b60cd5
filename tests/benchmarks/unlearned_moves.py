"""What it costs to leave out what moves during incidents: false flags, and trouble that recurs."""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console
from scipy.stats import bootstrap
from series_zoo import DAY, HOUR, WEEK, Floats, Seconds, draw

from models.timeseries import held_series
from models.timeseries.anomaly_model import AnomalyModel
from models.timeseries.confirmed_trouble import Trouble
from models.timeseries.unlearned_moves import UnlearnedMoves

RATES = (None, 0.2, 1.0, 7.0)
WEEKS = 8
_JUDGED_FROM, _RECURS_FROM, _TIMES = 3 * WEEK, 5 * WEEK, 10


@dataclass(frozen=True, slots=True)
class LearnedSeries:
    """Flags a week of an ordinary series, and how the last of ten alike troubles is flagged.

    `lasting` is the share of the hour after it that is flagged too, from the second point on.
    """

    flags: float
    is_found: bool
    lasting: float


def judge(seed: int, rate: float | None) -> LearnedSeries | None:
    """Judge the series of a seed with moves from `rate` on unlearned; None learns all of them.

    An incident is open for twelve hours of each second day, and from five minutes after the onset
    of each trouble until an hour after its end. Steps other than 5 and 15 minutes are left out.
    """
    series, _ = draw(seed)
    if series.step_seconds not in (300, 900):
        return None
    points = WEEKS * WEEK // series.step_seconds
    times, values = series.times[:points], series.values[:points]
    rng, begin = np.random.default_rng([seed, 5]), int(times[0])
    starts = begin + DAY * np.arange(14, WEEKS * 7, 2) + rng.uniform(0, DAY)
    ordinary = tuple((float(start), float(start + 12 * HOUR)) for start in starts)
    rare = _rare(times, values, series.step_seconds, ordinary, rate)
    flags = rare & (times >= begin + _JUDGED_FROM)
    onsets = begin + _RECURS_FROM + int(rng.uniform(0, 22 * HOUR)) + DAY * np.arange(_TIMES)
    size = 3 * float(np.ptp(values[: points // 2]))
    lift = sum(size * ((times >= onset) & (times < onset + HOUR)) for onset in onsets)
    trouble = tuple((float(onset + 300), float(onset + 2 * HOUR)) for onset in onsets)
    recurs = _rare(times, values + lift, series.step_seconds, trouble, rate)
    last = (times >= onsets[-1]) & (times < onsets[-1] + HOUR)
    over = onsets[-1] + HOUR + series.step_seconds
    after = (times >= over) & (times < over + HOUR)
    weeks = (times[-1] - begin - _JUDGED_FROM) / WEEK
    return LearnedSeries(
        _stretches(times[flags]) / weeks, bool(recurs[last].any()), float(recurs[after].mean())
    )


def _rare(
    times: Seconds, values: Floats, step: int, trouble: Trouble, rate: float | None
) -> np.ndarray:
    """Return for each point whether it is as rare as one a week."""
    model = AnomalyModel(step_seconds=step)
    rows = {} if rate is None else {0: trouble}
    held_series.MOVED_PER_WEEK = rate or 0.0
    moves = UnlearnedMoves(rows, model, np.empty((1, 0)))
    scores = moves.update(model.start(1), times, values[np.newaxis], times)
    return np.asarray(scores.alarms_per_week[0] <= 1.0)


def _stretches(times: Seconds) -> int:
    return int((np.diff(times) > HOUR).sum()) + 1 if len(times) else 0


def main(seeds: range) -> None:
    """Judge the series of some seeds by each rate, print the figures, and keep them."""
    judged: dict[float | None, list[LearnedSeries]] = defaultdict(list)
    for seed in seeds:
        for rate in RATES:
            one = judge(seed, rate)
            if one is not None:
                judged[rate].append(one)
    named = [figure for rate in RATES for figure in _named(rate, judged[rate])]
    for figure in named:
        Console().print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")
    run = describe_run(f"python tests/benchmarks/unlearned_moves.py {seeds.start} {seeds.stop}")
    note = f"Series drawn by `series_zoo.py`, {len(judged[None])} of 5 and 15 minutes, budget 1."
    keep_section("telemetry: unlearned moves", named_figures_section(note, named, run))


def _named(rate: float | None, found: Sequence[LearnedSeries]) -> list[NamedFigure]:
    rule = "all moves learned" if rate is None else f"unlearned from {rate:g} a week on"
    parts: dict[str, Callable[[LearnedSeries], float]] = {
        "false flags a week": lambda one: one.flags,
        "the tenth of alike troubles flagged": lambda one: float(one.is_found),
        "share of the hour after it flagged": lambda one: one.lasting,
    }
    return [
        NamedFigure(f"{rule}: {name}", *_mean([part(one) for one in found]))
        for name, part in parts.items()
    ]


def _mean(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Return a mean with its 95% bootstrap interval over the series."""
    mean = float(np.mean(numbers))
    if np.ptp(numbers) == 0:
        return mean, mean, mean
    interval = bootstrap((numbers,), np.mean, method="percentile", rng=0).confidence_interval
    return mean, float(interval.low), float(interval.high)


if __name__ == "__main__":
    main(range(*map(int, sys.argv[1:3])))

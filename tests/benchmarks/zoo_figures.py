"""Judges flags on the zoo: kinds that break their budget, and faults found within deadlines."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console
from scipy.stats import binomtest, chi2
from series_zoo import FAULTS, WEEK, Floats, ZooSeries, draw
from telemetry_ours import Tier

from models.timeseries.anomaly_flags import find_flags
from models.timeseries.anomaly_model import AnomalyModel

BUDGETS = (0.2, 1.0, 7.0)
_JUDGED_FROM = 3 * WEEK
_MOST_OVER = 1.5
_AT = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Flags of one series after three weeks, by budget, and whether each fault was found at 1.

    A fault counts as found only if the twin without it has no flag in the same time.
    """

    kind: str
    weeks: float
    flags: dict[float, int]
    found: dict[str, bool]


@dataclass(frozen=True, slots=True)
class ZooFigures:
    """The figures of the zoo: by budget the share of kinds that fail and the worst kinds.

    A kind fails if the lower 95% bound of its rate over the budget exceeds 1.5. `recall` is by
    fault, with the number of twins.
    """

    failing: dict[float, float]
    mean: dict[float, float]
    worst: dict[float, list[tuple[float, str]]]
    recall: dict[str, tuple[float, int]]


def judge(seed: int, tier: Tier = "full") -> Judged:
    """Draw the series of a seed and judge its flags and those of its twins."""
    series, twins = draw(seed)
    since = int(series.times[0]) + _JUDGED_FROM
    flags = {budget: flag_times(series, series.values, budget, tier) for budget in BUDGETS}
    found = {
        twin.fault: _is_within(flag_times(series, twin.values, _AT, tier), twin.onset, twin.until)
        and not _is_within(flags[_AT], twin.onset, twin.until)
        for twin in twins
    }
    counts = {budget: sum(time >= since for time in times) for budget, times in flags.items()}
    return Judged(series.kind, (series.times[-1] - since) / WEEK, counts, found)


def flag_times(
    series: ZooSeries, values: Floats, budget: float, tier: Tier = "full"
) -> list[float]:
    """Return when each flag of the series was raised, in unix seconds."""
    model = AnomalyModel(tier=tier, step_seconds=series.step_seconds)
    scores = model.update(model.start(1), series.times, values[np.newaxis]).of_series(0)
    flags = find_flags(
        series.times,
        values,
        scores,
        budget_per_week=budget,
        step_seconds=series.step_seconds,
    )
    return [flag.detected_at.timestamp() for flag in flags]


def sum_up(judged: Sequence[Judged]) -> ZooFigures:
    """Return the figures over all judged series."""
    by_kind: dict[str, list[Judged]] = defaultdict(list)
    for series in judged:
        by_kind[series.kind].append(series)
    failing, mean, worst = {}, {}, {}
    for budget in BUDGETS:
        over = [(_over(kind, budget), name) for name, kind in by_kind.items()]
        failing[budget] = float(np.mean([low > _MOST_OVER for (_, low), _ in over]))
        mean[budget] = float(np.mean([rate for (rate, _), _ in over]))
        worst[budget] = sorted(((rate, name) for (rate, _), name in over), reverse=True)
    recall = {}
    for fault in FAULTS:
        hits = [series.found[fault] for series in judged if fault in series.found]
        recall[fault] = (float(np.mean(hits)) if hits else float("nan"), len(hits))
    return ZooFigures(failing, mean, worst, recall)


def _over(kind: Iterable[Judged], budget: float) -> tuple[float, float]:
    """Return a kind's rate over the budget and its lower bound (Garwood 1936), one-sided 95%."""
    members = list(kind)
    count = sum(series.flags[budget] for series in members)
    allowed = budget * sum(series.weeks for series in members)
    return count / allowed, float(chi2.ppf(0.05, 2 * count)) / 2 / allowed if count else 0.0


def _is_within(times: Iterable[float], onset: int, until: int) -> bool:
    return any(onset <= time <= until for time in times)


def main(seeds: range) -> None:
    """Judge the series of some seeds, print the figures, and keep them."""
    figures, console = sum_up([judge(seed) for seed in seeds]), Console(width=120)
    for budget in BUDGETS:
        console.print(f"budget {budget:g}: the kinds that flag most, over their budget")
        for rate, kind in figures.worst[budget][:12]:
            console.print(f"  {rate:6.2f}  {kind}")
    named = [*_named_budgets(figures), *_named_faults(figures)]
    for figure in named:
        console.print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")
    run = describe_run(f"python tests/benchmarks/zoo_figures.py {seeds.start} {seeds.stop}")
    note = f"Ordinary series drawn by `series_zoo.py`, seeds {seeds.start} to {seeds.stop - 1}."
    keep_section("telemetry: zoo", named_figures_section(note, named, run))


def _named_budgets(figures: ZooFigures) -> list[NamedFigure]:
    named = []
    for budget in BUDGETS:
        kinds = len(figures.worst[budget])
        failing = _share(round(figures.failing[budget] * kinds), kinds)
        named.append(NamedFigure(f"budget {budget:g}: kinds that fail", *failing, "at most .05"))
        worst, kind = figures.worst[budget][0]
        title = f"budget {budget:g}: worst kind over its budget ({kind})"
        named.append(NamedFigure(title, worst, worst, worst, "at most 3"))
        mean = figures.mean[budget]
        named.append(NamedFigure(f"budget {budget:g}: mean over the budget", mean, mean, mean))
    return named


def _named_faults(figures: ZooFigures) -> list[NamedFigure]:
    return [
        NamedFigure(
            f"budget 1: {fault} found in time, of {count}",
            *_share(round(recall * count), count),
            "at least .75",
        )
        for fault, (recall, count) in figures.recall.items()
        if count
    ]


def _share(hits: int, count: int) -> tuple[float, float, float]:
    """Return a share with its exact 95% interval (Clopper and Pearson 1934)."""
    interval = binomtest(hits, count).proportion_ci()
    return hits / count, float(interval.low), float(interval.high)


if __name__ == "__main__":
    main(range(*map(int, sys.argv[1:3])))

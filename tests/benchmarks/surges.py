"""False surges a week on real histories, and how soon injected ones are found, beside two rules.

Run without options, it writes a section of RESULTS.md; with any, it only prints.

Every day is judged by a baseline of the 13 weeks before it, after a warm-up of four weeks. All
surges of an unchanged history are counted, though some are real troubles that nobody labelled; for
`servicenow-log` it is also counted how many are of one event by facts that no rule sees. In
`shuffled-texts` no surge is real: the tickets of `it-tickets` are in random order, at the times of
`servicenow-log`. An injected surge is nine past incidents of a random stream in 20 minutes, at a
random time. It is found by the report with which a surge is detected that holds three of them.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from results import NamedFigure, describe_run, keep_section, named_figures_section
from rich.console import Console
from scipy.stats import chi2
from surge_histories import HISTORIES, Past, read_past
from surge_rules import RULES, Rule

from features.domain.opening import Opening
from models.surges.baseline import UsualRates
from models.surges.find_alarms import StreamAlarm
from models.surges.find_surges import group_alarms
from models.surges.hour_profile import DAY, HOUR, WEEK
from models.surges.streams import Stream, streams_of
from training.evaluation.binomial_intervals import wilson_interval

_LOOK_BACK = 6 * HOUR
_INJECTED, _INJECTED_SECONDS, _HELD = 9, 1_200.0, 3
# A surge is of one event if so many of its incidents have one caller, or one symptom and group.
_OF_ONE = 0.8
_NOTE = """How often surges are reported by themselves, and how soon injected ones are found.

All surges of an unchanged history are counted, though some are real troubles that nobody labelled.
Intervals are exact for counts, and Wilson's for shares."""


@dataclass(frozen=True, slots=True)
class FalseSurges:
    """The surges of an unchanged history, with an exact 95% interval of their rate per week.

    `of_one_event` counts those whose incidents mostly have one caller, or one symptom and group,
    and `usually_of_one` is the share of this among equally many consecutive incidents of the same
    streams; both are None where these facts are not known.
    """

    history: str
    method: str
    streams: int
    weeks: float
    surges: int
    per_week: float
    low: float
    high: float
    of_one_event: int | None = None
    usually_of_one: float | None = None


@dataclass(frozen=True, slots=True)
class FoundSurges:
    """The share of injected surges found by their fifth report, with its 95% interval.

    `found` is the share found by any of their reports, `minutes` the median delay after the first
    of those found, `by_report` the share found by each report.
    """

    history: str
    method: str
    drawn_by: str
    trials: int
    by_fifth: float
    low: float
    high: float
    found: float
    minutes: float | None
    by_report: tuple[float, ...]


def quiet_groups(past: Past, rule: Rule) -> Iterator[list[StreamAlarm]]:
    """Yield the alarms of each surge of an unchanged history, day by day."""
    for day in np.arange(past.start, past.times[-1], DAY):
        recent = past.between(day - _LOOK_BACK, day + DAY)
        if len(past.between(day, day + DAY)):
            for group in group_alarms(rule(recent, past.baseline(float(day)))):
                if group[0].detected_at >= day:
                    yield group


def measure_false(past: Past, method: str) -> FalseSurges:
    """Count the surges of an unchanged history."""
    groups = list(quiet_groups(past, RULES[method]))
    surges, of_one, usually = len(groups), None, None
    if past.facts:
        largest = [max(group, key=lambda alarm: len(alarm.incidents)) for group in groups]
        of_one = sum(_is_one(past, [one.id for one in alarm.incidents]) for alarm in largest)
        usually = round(_usually_one(past, largest), 3)
    weeks = (float(past.times[-1]) - past.start) / WEEK
    low, high = (
        chi2.ppf(0.025, 2 * surges) / 2 if surges else 0.0,
        chi2.ppf(0.975, 2 * surges + 2) / 2,
    )
    streams = len({stream for opening in past.openings for stream in streams_of(opening)})
    return FalseSurges(
        past.name,
        method,
        streams,
        round(weeks, 1),
        surges,
        round(surges / weeks, 3),
        round(float(low) / weeks, 3),
        round(float(high) / weeks, 3),
        of_one,
        usually,
    )


def _is_one(past: Past, ids: Sequence[str]) -> bool:
    """Tell whether most incidents have one caller, or one symptom and group."""
    return any(
        Counter(past.facts[id_][fact] for id_ in ids if id_ in past.facts).most_common(1)[0][1]
        >= _OF_ONE * len(ids)
        for fact in (0, 1)
    )


def _usually_one(past: Past, alarms: Sequence[StreamAlarm]) -> float:
    """Return the share that is of one event among runs of the alarms' streams and sizes."""
    runs = []
    for alarm in alarms:
        ids = [one.id for one in past.openings if alarm.stream in streams_of(one)]
        size = len(alarm.incidents)
        runs += [_is_one(past, ids[at : at + size]) for at in range(0, len(ids) - size, size)]
    return float(np.mean(runs)) if runs else 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """An injected surge with the incidents around it and the baseline of its day."""

    injected: tuple[Opening, ...]
    recent: tuple[Opening, ...]
    baseline: UsualRates


def draw_trials(past: Past, trials: int, drawn_by: str, seed: int = 0) -> Iterator[Trial]:
    """Draw surges at random times into random streams, or into the stream of a random incident."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(past.start, past.times[-1] - DAY, trials))
    baseline, day = None, -1.0
    for number, time in enumerate(days):
        if baseline is None or time // DAY != day:
            day = time // DAY
            baseline = past.baseline(day * DAY)
        sources = _draw_sources(past, baseline, drawn_by, rng)
        offsets = np.sort(rng.uniform(0, _INJECTED_SECONDS, _INJECTED))
        injected = tuple(
            replace(
                sources[place],
                id=f"injected {number} {place}",
                opened_at=datetime.fromtimestamp(time, UTC) + timedelta(seconds=float(offset)),
            )
            for place, offset in enumerate(offsets)
        )
        around = past.between(time - _LOOK_BACK, time + HOUR)
        yield Trial(injected, (*around, *injected), baseline)


def _draw_sources(
    past: Past, baseline: UsualRates, drawn_by: str, rng: np.random.Generator
) -> list[Opening]:
    """Draw past incidents of a random stream, or of a random stream of a random incident."""
    known = past.between(baseline.since, baseline.until)
    if drawn_by == "incident":
        streams = []
        while not streams:
            streams = list(streams_of(known[rng.integers(len(known))]))
    else:
        streams = sorted(baseline.times, key=lambda stream: (stream.kind, stream.value))
    stream: Stream = streams[rng.integers(len(streams))]
    holders = past.holders(stream, baseline)
    return [holders[row] for row in rng.integers(len(holders), size=_INJECTED)]


def found_by(trial: Trial, rule: Rule) -> int | None:
    """Return the number of the injected report by which a rule finds the surge, None for none."""
    ids = {opening.id for opening in trial.injected}
    times = [opening.opened_at.timestamp() for opening in trial.injected]
    numbers = [
        int(np.searchsorted(times, group[0].detected_at, side="right"))
        for group in group_alarms(rule(trial.recent, trial.baseline))
        if any(sum(one.id in ids for one in alarm.incidents) >= _HELD for alarm in group)
    ]
    return max(1, min(numbers)) if numbers else None


def measure_found(past: Past, trials: Sequence[Trial], method: str, drawn_by: str) -> FoundSurges:
    """Measure how soon a rule finds the injected surges."""
    found = [found_by(trial, RULES[method]) for trial in trials]
    by_report = [
        sum(number is not None and number <= report for number in found) / len(found)
        for report in range(1, _INJECTED + 1)
    ]
    delays = [
        (trial.injected[number - 1].opened_at - trial.injected[0].opened_at).total_seconds() / 60
        for trial, number in zip(trials, found, strict=True)
        if number is not None
    ]
    low, high = wilson_interval(by_report[4], len(found))
    return FoundSurges(
        past.name,
        method,
        drawn_by,
        len(found),
        round(by_report[4], 3),
        round(low, 3),
        round(high, 3),
        round(by_report[-1], 3),
        round(float(np.median(delays)), 1) if delays else None,
        tuple(round(share, 2) for share in by_report),
    )


def main() -> None:
    """Print each figure as it is measured, and write them all if everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", nargs="+", default=list(HISTORIES))
    parser.add_argument("--method", nargs="+", default=list(RULES))
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--show", action="store_true", help="print every surge of ours")
    arguments = parser.parse_args()
    console = Console()
    figures = []
    for name in arguments.history:
        past = read_past(name)
        for measured in _measure(past, arguments.method, arguments.trials):
            console.print_json(data=asdict(measured), indent=None)
            figures.append(_named(measured))
        if arguments.show:
            _show(console, past)
    if vars(arguments) == vars(parser.parse_args([])):
        run = describe_run("python tests/benchmarks/surges.py")
        keep_section("surges", named_figures_section(_NOTE, figures, run))


def _measure(
    past: Past, methods: Sequence[str], trials: int
) -> Iterator[FalseSurges | FoundSurges]:
    for method in methods:
        yield measure_false(past, method)
    for drawn_by in ("stream", "incident"):
        drawn = list(draw_trials(past, trials, drawn_by))
        for method in methods:
            yield measure_found(past, drawn, method, drawn_by)


def _named(figure: FalseSurges | FoundSurges) -> NamedFigure:
    whose, is_ours = f"{figure.history}, {figure.method}", figure.method == "precedent"
    if isinstance(figure, FalseSurges):
        name, goal = f"{whose}: surges a week without injected ones", "at most 1"
        value = figure.per_week
    else:
        drawn = {"stream": "a random stream", "incident": "the stream of a random incident"}
        name = f"{whose}: found by the fifth of nine reports, in {drawn[figure.drawn_by]}"
        value, goal = figure.by_fifth, "at least .5"
    return NamedFigure(name, value, figure.low, figure.high, goal if is_ours else "")


def _show(console: Console, past: Past) -> None:
    for group in quiet_groups(past, RULES["precedent"]):
        alarm = max(group, key=lambda alarm: len(alarm.incidents))
        start = datetime.fromtimestamp(alarm.started_at, UTC)
        names = sorted({f"{one.stream.kind} {one.stream.value}" for one in group})
        minutes = (alarm.incidents[-1].time - alarm.started_at) / 60
        at = [f"{(one.time - alarm.started_at) / 60:.0f}" for one in alarm.incidents[:20]]
        count = f"{start:%a %Y-%m-%d %H:%M} {len(alarm.incidents)} in {minutes:.0f} min"
        console.print(f"{count}: {names} at {' '.join(at)}", highlight=False)


if __name__ == "__main__":
    main()

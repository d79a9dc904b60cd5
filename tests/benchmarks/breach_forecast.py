"""Measures breach forecasts beside peers on visible series, and writes a section of RESULTS.md.

Origins are six hours apart, at moments below the .99 quantile of the series' past; intervals
resample weeks of series. The peers MSTL and AutoETS of statsforecast need other versions of
libraries than this project: install them apart with `pip install --target FOLDER statsforecast`,
and give the folder with `--libraries FOLDER`; they answer every twelfth origin.
"""

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from forecast_bands import measure_bands
from forecast_origins import Origin, climatology, origins_of, weekly_sums
from forecast_warnings import measure_warnings
from results import (
    NamedFigure,
    describe_run,
    keep_section,
    kept_section,
    named_figures_section,
)
from rich.console import Console
from telemetry_data import Floats, load_kpi, load_wsd

from models.timeseries.forecast.breach_curve import BreachCurve

_SECTION = "forecast"
_HOURS = (1, 6, 24, 168)
_HOURS_APART, _EVERY = 6, 12
_HOUR = 3_600
_DRAWS = 1_000
_SHARES = np.array([0.1, 0.5, 0.9])
_GOALS = {"Brier skill within 6 h over climatology": "at least .12"}
_NOTE = (
    "Whether a series reaches the .99 quantile of its own past, from origins six hours apart that "
    "are below it.\nIntervals resample weeks of series; those of warnings resample series."
)
_LIBRARY_SCRIPT = Path(__file__).with_name("breach_library_peers.py")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was forecast at one origin for one horizon, and what followed."""

    week: str
    hours: int
    is_breach: bool
    probabilities: dict[str, float]
    is_covered: bool | None


def main() -> None:
    """Print the figures, and keep them unless only some series are measured."""
    arguments = _parser().parse_args()
    origins = [
        origin
        for load in (load_wsd, load_kpi)
        for series in load()[: arguments.series]
        for origin in origins_of(series, _HOURS_APART)
    ]
    answers = [answer for origin in origins for answer in _answers(origin)]
    figures = [*_skills(answers, _HOURS), *_coverage(answers)]
    if arguments.libraries:
        figures += _library_skills(origins[::_EVERY], arguments.libraries)
    figures += measure_bands(arguments.series)
    figures += [NamedFigure(*row) for row in measure_warnings(arguments.series)]
    for figure in figures:
        Console().print(f"{figure.name}: {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]")
    if arguments.series is None:
        _keep(figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", type=Path, help="where statsforecast is installed")
    parser.add_argument("--series", type=int, help="try out on so many series of each source")
    return parser


def _keep(figures: Sequence[NamedFigure]) -> None:
    """Write the figures; what was not measured, such as peers without their library, stays."""
    names = {figure.name for figure in figures}
    kept = [NamedFigure(**row) for row in kept_section(_SECTION).get("named_figures", [])]
    together = [*figures, *(figure for figure in kept if figure.name not in names)]
    run = describe_run("python tests/benchmarks/breach_forecast.py")
    keep_section(_SECTION, named_figures_section(_NOTE, together, run))


def _answers(origin: Origin) -> Iterable[Answer]:
    curve = BreachCurve.of(origin.blocks, origin.course, _HOURS[-1] * _HOUR)
    for hours in _HOURS:
        reached = origin.reached_after(hours)
        if reached is None:
            continue
        windows = origin.windows(hours)
        usual, base = climatology(windows, origin.blocks)
        lower, _, upper = curve.quantiles(hours * _HOUR, _SHARES)
        probabilities = {
            "Precedent": curve.probability(hours * _HOUR),
            "climatology": usual,
            "share of all past windows": base,
            "persistence": _persistence(origin, hours),
            "predict_linear": _predict_linear(origin, hours),
        }
        is_breach = bool(np.isfinite(reached))
        covered = bool(lower <= reached <= upper) if is_breach else None
        yield Answer(origin.week, hours, is_breach, probabilities, covered)


def _persistence(origin: Origin, hours: float) -> float:
    """Say that what happened in the last hours will happen in the next."""
    lead = origin.blocks.count(hours * _HOUR)
    return float(origin.blocks.peaks[-lead:].max() >= 1.0)


def _predict_linear(origin: Origin, hours: float) -> float:
    """Say that a straight line through the last hours reaches the level, as in Prometheus."""
    lead = max(2, origin.blocks.count(hours * _HOUR))
    heights = origin.blocks.means[-lead:]
    slope, height = np.polyfit(np.arange(1 - len(heights), 1), heights, 1)
    return float(height + slope * lead >= 1.0)


def _skills(answers: Sequence[Answer], hours: Sequence[int]) -> list[NamedFigure]:
    figures = []
    for lead in hours:
        chosen = [answer for answer in answers if answer.hours == lead]
        losses = defaultdict(list)
        for answer in chosen:
            for name, probability in answer.probabilities.items():
                losses[name].append((probability - answer.is_breach) ** 2)
        weeks = np.array([answer.week for answer in chosen])
        for name in losses:
            if name == "climatology":
                continue
            title = f"Brier skill within {lead} h over climatology"
            title += "" if name == "Precedent" else f": {name}"
            pair = np.column_stack([losses[name], losses["climatology"]])
            figures.append(_figure(title, pair, weeks, lambda sums: 1 - sums[:, 0] / sums[:, 1]))
    return figures


def _coverage(answers: Sequence[Answer]) -> list[NamedFigure]:
    figures = []
    for lead in _HOURS:
        chosen = [answer for answer in answers if answer.hours == lead and answer.is_breach]
        weeks = np.array([answer.week for answer in chosen])
        pair = np.array([[float(answer.is_covered or 0), 1.0] for answer in chosen])
        title = f"coverage of the 80% interval of the time, breaches within {lead} h"
        figures.append(_figure(title, pair, weeks, lambda sums: sums[:, 0] / sums[:, 1]))
    return figures


def _library_skills(origins: Sequence[Origin], folder: Path) -> list[NamedFigure]:
    """Return the skill within six hours over each library's forecast, on the same origins."""
    kept = [origin for origin in origins if origin.reached_after(6) is not None]
    with TemporaryDirectory() as exchange:
        sent, answered = Path(exchange) / "origins.npz", Path(exchange) / "answers.npz"
        hourly = [_hourly_peaks(origin) for origin in kept]
        np.savez(sent, **{f"series{number}": peaks for number, peaks in enumerate(hourly)})
        environment = os.environ | {"PYTHONPATH": str(folder)}
        command = [sys.executable, str(_LIBRARY_SCRIPT), str(sent), str(answered)]
        subprocess.run(command, env=environment, check=True)
        peers = dict(np.load(answered))
    ours = [
        BreachCurve.of(one.blocks, one.course, 6 * _HOUR).probability(6 * _HOUR) for one in kept
    ]
    outcomes = np.array([np.isfinite(one.reached_after(6) or 0.0) for one in kept], float)
    weeks = np.array([one.week for one in kept])
    figures = []
    for name, probabilities in peers.items():
        pair = np.column_stack([(np.array(ours) - outcomes) ** 2, (probabilities - outcomes) ** 2])
        title = f"Brier skill within 6 h over {name}, {len(kept)} origins"
        figures.append(
            _figure(
                title, pair, weeks, lambda sums: 1 - sums[:, 0] / sums[:, 1], to_reach="above 0"
            )
        )
    return figures


def _hourly_peaks(origin: Origin) -> Floats:
    per_hour = origin.blocks.count(_HOUR)
    peaks = origin.blocks.peaks[len(origin.blocks) % per_hour :]
    return peaks.reshape(-1, per_hour).max(axis=1)[-4 * 168 :]


def _figure(
    name: str,
    rows: Floats,
    weeks: Floats,
    compute: Callable[[Floats], Floats],
    to_reach: str = "",
) -> NamedFigure:
    value = float(compute(rows.sum(axis=0)[None])[0])
    low, high = np.quantile(compute(weekly_sums(rows, weeks, _DRAWS)), [0.025, 0.975])
    return NamedFigure(name, value, float(low), float(high), _GOALS.get(name, to_reach))


if __name__ == "__main__":
    main()

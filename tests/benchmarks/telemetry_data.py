"""Labelled operations series to measure detectors on: WSD, KPI and NAB on a regular grid."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from data_sets import data_folder
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Seconds = NDArray[np.int64]

_LONGEST_HOLE_IN_EVENT = 10


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One series on a grid of `step_seconds`; all arrays but `cells` have shape (points,).

    `values` are NaN where nothing was measured; `is_event` is False where the source has no label.
    `is_test` marks the part of a KPI curve that is judged. `cells` gives the grid's cell of each
    row of the source, shape (rows,).
    """

    name: str
    step_seconds: int
    times: Seconds
    values: Floats
    is_event: Flags
    is_test: Flags
    cells: NDArray[np.intp]


@cache
def load_wsd() -> tuple[LabelledSeries, ...]:
    """Read the web-service KPIs, one minute apart, with their real gaps."""
    return tuple(_load_labelled(file) for file in _files("wsd"))


@cache
def load_kpi() -> tuple[LabelledSeries, ...]:
    """Read the KPI curves of internet companies; each has a train part and a test part."""
    return tuple(_load_labelled(file) for file in _files("kpi"))


@cache
def load_nab() -> tuple[LabelledSeries, ...]:
    """Read NAB's series; `is_event` holds the published windows."""
    folder = data_folder() / "telemetry" / "nab"
    windows = json.loads((folder / "windows.json").read_text())
    return tuple(_load_windowed(folder, name, spans) for name, spans in windows.items())


def telemetry_is_here() -> bool:
    """Tell whether the series were found at `PRECEDENT_DATA`."""
    return (data_folder() / "telemetry").is_dir()


def _files(name: str) -> list[Path]:
    return sorted((data_folder() / "telemetry" / name).glob("*.csv.gz"))


def _load_labelled(file: Path) -> LabelledSeries:
    table = pd.read_csv(file)
    marks = {"is_event": table["label"].to_numpy() == 1}
    if "part" in table:
        marks["is_test"] = table["part"].to_numpy() == "test"
    return _on_grid(file.name.split(".")[0], table["timestamp"].to_numpy(), table["value"], marks)


def _load_windowed(folder: Path, name: str, windows: list[list[str]]) -> LabelledSeries:
    table = pd.read_csv(folder / f"{name}.gz", parse_dates=["timestamp"])
    stamps = table["timestamp"]
    is_event = np.zeros(len(table), bool)
    for start, end in windows:
        is_event |= stamps.between(pd.Timestamp(start), pd.Timestamp(end)).to_numpy()
    seconds = stamps.to_numpy().astype("datetime64[s]").astype(np.int64)
    return _on_grid(name.removesuffix(".csv"), seconds, table["value"], {"is_event": is_event})


def _on_grid(
    name: str, stamps: Seconds, values: "pd.Series[float]", marks: Mapping[str, Flags]
) -> LabelledSeries:
    """Put rows on a grid of their usual distance; rows that share a cell are averaged."""
    step = int(np.median(np.diff(np.sort(stamps))))
    cells = (stamps - stamps.min()) // step
    size = int(cells.max()) + 1
    means = values.astype(np.float64).groupby(cells).mean()
    gridded = np.full(size, np.nan)
    gridded[means.index.to_numpy()] = means.to_numpy()
    marked = {key: _mark(cells[mark], size) for key, mark in marks.items()}
    return LabelledSeries(
        name=name,
        step_seconds=step,
        times=stamps.min() // step * step + step * np.arange(size, dtype=np.int64),
        values=gridded,
        is_event=_fill_short_holes(marked["is_event"], _mark(cells, size)),
        is_test=marked.get("is_test", np.zeros(size, bool)),
        cells=cells,
    )


def _mark(cells: NDArray[np.intp], size: int) -> Flags:
    marked = np.zeros(size, bool)
    marked[cells] = True
    return marked


def _fill_short_holes(is_event: Flags, is_there: Flags) -> Flags:
    """Let a few rows that the source left out inside an event not cut the event in two."""
    label = pd.Series(np.where(is_there, is_event.astype(float), np.nan))
    before, after = (fill(limit=_LONGEST_HOLE_IN_EVENT) for fill in (label.ffill, label.bfill))
    return (np.minimum(before, after) == 1).to_numpy()

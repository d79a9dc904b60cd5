"""Measures false flags a week by the age of a series, at a budget of one a week.

`python tests/benchmarks/young_series.py` prints them for visible real series, where flags within
two hours of an event do not count, and for the zoo, where every flag is false.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from series_zoo import DAY, draw
from telemetry_data import Flags, Floats, LabelledSeries, Seconds, load_kpi, load_wsd
from telemetry_ours import score_ours
from telemetry_scoring import resample

from models.timeseries.anomaly_model import AnomalyModel

_AGES = ((5, 10), (10, 21), (21, 42))
_BUDGET = 1.0
_APART, _NEAR_EVENT = 3_600, 7_200
_ZOO_SERIES = range(100, 160)
_LEAST_DAYS = 1.0


def main() -> None:
    """Print a line for each source, with a 95% interval that resamples series."""
    for source, rates in (("wsd", _real(load_wsd())), ("kpi", _real(load_kpi())), ("zoo", _zoo())):
        table = np.array(list(rates))
        for column, (low, high) in enumerate(_AGES):
            known = table[~np.isnan(table[:, column]), column]
            drawn = resample(len(known)) @ known / len(known)
            ends = np.quantile(drawn, [0.025, 0.975])
            Console().print(
                f"{source}, days {low} to {high}: {known.mean():.2f} flags a week "
                f"[{ends[0]:.2f}, {ends[1]:.2f}], {len(known)} series"
            )


def _real(series: Sequence[LabelledSeries]) -> Iterator[list[float]]:
    for one in series:
        width = 2 * _NEAR_EVENT // one.step_seconds + 1
        is_near = np.convolve(one.is_event, np.ones(width), "same") > 0
        yield _rates(one.times, score_ours(one, "full").alarms_per_week, is_near)


def _zoo() -> Iterator[list[float]]:
    for seed in _ZOO_SERIES:
        series, _ = draw(seed)
        if series.step_seconds == 60:
            continue
        count = _AGES[-1][1] * DAY // series.step_seconds
        times, values = series.times[:count], series.values[None, :count].copy()
        model = AnomalyModel(step_seconds=series.step_seconds)
        scores = model.update(model.start(1), times, values).of_series(0)
        yield _rates(times, scores.alarms_per_week, np.zeros(len(times), bool))


def _rates(times: Seconds, alarms_per_week: Floats, is_left_out: Flags) -> list[float]:
    """Return flags a week for each range of ages, NaN where the series is too short."""
    flagged = times[(alarms_per_week <= _BUDGET) & ~is_left_out]
    starts = flagged[np.diff(flagged, prepend=-_APART - 1) > _APART]
    ages, oldest = (starts - times[0]) / DAY, (times[-1] - times[0]) / DAY
    rates = []
    for low, high in _AGES:
        days = min(high, oldest) - low
        count = int(((ages >= low) & (ages < high)).sum())
        rates.append(7 * count / days if days > _LEAST_DAYS else np.nan)
    return rates


if __name__ == "__main__":
    main()

"""Detects anomalies in the demo company's metrics with the model that watches real metrics."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from math import isfinite

import numpy as np
import yaml

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints, Values
from features.home import Home
from features.store.store import Store
from features.text.resolutions import named_fix
from models.base.series_model import SeriesScores
from models.timeseries.anomaly_flags import Flag, find_flags
from models.timeseries.anomaly_model import AnomalyModel, enable_kernel_cache
from training.demo.incidents import DemoCompany
from training.demo.telemetry import STEP_SECONDS, DemoDay, DemoSeries, generate_day

_BUDGET_PER_WEEK = 2.0
_WATCHED = timedelta(days=1)
_DRAWN_POINTS = 240
_SHOWN_SEED = 11
_OPENED_AFTER = timedelta(minutes=10)


def record_day(company: DemoCompany, home: Home, store: Store) -> str:
    """Store a service's failure with its changes and anomalies; return the incident's id.

    The failure begins some minutes before the company's history ends. Its alert repeats the text of
    the service's first alert with a recorded fix, if there is one. If the home has no topology, the
    company's dependencies are written as its topology.
    """
    day = generate_day(company.dependencies, seed=_SHOWN_SEED, end=company.end)
    enable_kernel_cache(home)
    if not home.topology.exists():
        needs = company.dependencies.items()
        services = {name: {"depends_on": list(needed)} for name, needed in needs}
        home.topology.write_text(yaml.safe_dump({"services": services}), encoding="utf-8")
    store.changes.record(day.changes)
    store.anomalies.record(watch_day(day))
    opened_at = day.culprit.at + _OPENED_AFTER
    incident_id = f"DEMO-{opened_at:%y%m%d-%H%M}"
    alerts = (past.report for past in company.incidents if _is_fixed_alert(past, day.service))
    usual = IncidentReport(incident_id, title="HighErrorRate", service=day.service)
    report = replace(next(alerts, usual), id=incident_id, opened_at=opened_at)
    store.tracked.import_history([ResolvedIncident(report, Outcome())])
    return report.id


def _is_fixed_alert(past: ResolvedIncident, service: str) -> bool:
    is_alert = (past.report.source, past.report.service) == ("monitoring", service)
    return is_alert and named_fix(past.outcome.resolution) is not None


def watch_day(day: DemoDay) -> tuple[SeriesAnomaly, ...]:
    """Return the anomalies of the last 24 hours, at two false alarms per week and service."""
    model = AnomalyModel(step_seconds=STEP_SECONDS)
    values = np.stack([series.values for series in day.series])
    scores = model.update(model.start(len(values)), day.times, values)
    return tuple(
        anomaly
        for row, series in enumerate(day.series)
        for anomaly in _anomalies(day, series, scores.of_series(row))
    )


def _anomalies(day: DemoDay, series: DemoSeries, scores: SeriesScores) -> Iterator[SeriesAnomaly]:
    same_service = sum(other.service == series.service for other in day.series)
    flags = find_flags(
        day.times,
        series.values,
        scores,
        budget_per_week=_BUDGET_PER_WEEK / same_service,
        step_seconds=STEP_SECONDS,
    )
    for flag in flags:
        if flag.onset_at >= day.ends_at - _WATCHED:
            yield _anomaly(day, series, flag, _points(day, series, scores))


def _anomaly(day: DemoDay, series: DemoSeries, flag: Flag, points: SeriesPoints) -> SeriesAnomaly:
    return SeriesAnomaly(
        id=f"{series.name} {flag.onset_at:%Y-%m-%dT%H:%M}",
        series=series.name,
        service=series.service,
        labels={"service": series.service},
        unit=series.unit,
        onset_at=flag.onset_at,
        detected_at=flag.detected_at,
        ended_at=flag.ended_at or day.ends_at,
        effect=flag.effect,
        expected=flag.expected,
        value=flag.value,
        score=flag.score,
        alarms_per_week=flag.alarms_per_week,
        channel=flag.channel,
        direction=flag.direction,
        points=points,
    )


def _points(day: DemoDay, series: DemoSeries, scores: SeriesScores) -> SeriesPoints:
    drawn = (series.values, scores.expected, scores.lower, scores.upper)
    return SeriesPoints(
        tuple(int(time) for time in day.times[-_DRAWN_POINTS:]),
        *(_known(values[-_DRAWN_POINTS:].tolist()) for values in drawn),
    )


def _known(values: list[float]) -> Values:
    return tuple(value if isfinite(value) else None for value in values)

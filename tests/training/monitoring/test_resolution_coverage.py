"""Whether incidents were resolved within the interval that was foreseen."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from training.monitoring import resolution_coverage
from training.monitoring.resolution_coverage import measure_resolution

LEARNED_UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry whose champion of resolution learned until March."""
    card = Card("resolution", "resolution", LEARNED_UNTIL, cutoff=LEARNED_UNTIL)
    monkeypatch.setattr(resolution_coverage, "read_card", lambda _version: card)
    champion = ModelVersion("resolution", "3", "resolution", "sha", tmp_path, LEARNED_UNTIL, "")
    return SimpleNamespace(champions=lambda: {"resolution": champion})


def incident(number, hours, *, days=1):
    """Return an incident that took so many hours, or is open, after the champion's data ended."""
    opened_at = LEARNED_UNTIL + timedelta(days=days, hours=number)
    if hours is None:
        outcome = Outcome(status=Status.OPEN)
    else:
        outcome = Outcome(resolved_at=opened_at + timedelta(hours=hours))
    return ResolvedIncident(IncidentReport(f"INC{number}", opened_at), outcome)


def answer(number, upper=8.0, version="3"):
    """Return the stored answer that incident `number` takes 2 to 8 hours."""
    return PredictionRecord(
        prediction_id=f"p{number}-{version}-{upper}",
        request_id="r",
        incident_id=f"INC{number}",
        target="resolution",
        model_version=version,
        label="",
        confidence=0.5,
        decision="suggest",
        mode="monitor",
        answer={"median_hours": 4.0, "lower_hours": 2.0, "upper_hours": upper},
        answered_at=LEARNED_UNTIL + timedelta(days=1, hours=number, minutes=int(upper or 0)),
    )


def measures(store, registry, incidents):
    found = measure_resolution(store, registry, incidents).measures
    return {measure.name: measure for measure in found}


def test_the_share_within_the_interval_is_measured(store, registry):
    store.predictions.record([answer(number) for number in range(40)])
    hours = [3.0, 5.0, 7.0, 9.0] * 10
    found = measures(store, registry, [incident(n, h) for n, h in enumerate(hours)])
    within = found["resolved within the interval"]
    assert within.value == pytest.approx(0.75, abs=0.05)
    assert (within.reference, within.target, within.n) == (0.8, "resolution", 40)
    assert within.low <= within.value <= within.high
    assert found["resolved within the median"].value == pytest.approx(0.25, abs=0.05)


def test_only_first_answers_of_the_champion_about_later_incidents_count(store, registry):
    store.predictions.record([answer(n) for n in range(20)])
    store.predictions.record([answer(n, upper=99.0) for n in range(20)])
    store.predictions.record([answer(n, version="2") for n in range(20, 40)])
    late = [incident(n, 9.0) for n in range(40)]
    assert measures(store, registry, late)["resolved within the interval"].value == 0.0
    early = [incident(n, 9.0, days=-5) for n in range(40)]
    assert measures(store, registry, early) == {}


def test_an_open_end_covers_whatever_takes_longer(store, registry):
    store.predictions.record([answer(n, upper=None) for n in range(20)])
    found = measures(store, registry, [incident(n, 50.0) for n in range(20)])
    assert found["resolved within the interval"].value == 1.0


def test_open_incidents_are_stood_for_by_slow_ones(store, registry):
    store.predictions.record([answer(number) for number in range(60)])
    opened = [incident(n, 3.0 if n % 2 else None) for n in range(40, 60)]
    slow = [incident(n, 3.0 if n % 2 else 15.0) for n in range(40)]
    within = measures(store, registry, [*slow, *opened])["resolved within the interval"]
    assert within.n == 50
    assert within.value < 30 / 50


def test_few_resolved_incidents_tell_nothing(store, registry):
    store.predictions.record([answer(n) for n in range(9)])
    assert measures(store, registry, [incident(n, 3.0) for n in range(9)]) == {}
    assert measures(store, SimpleNamespace(champions=dict), []) == {}

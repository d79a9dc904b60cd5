"""The time to resolve over HTTP: in triage and batch, stored, and absent with a reason."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.resolution.resolution_model import ResolutionModel

START = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS = {
    *("median_hours", "lower_hours", "upper_hours"),
    *("breach_probability", "reassignment_probability"),
}


def past():
    """Return incidents an hour apart; those of `slow` take ten times as long and miss targets."""
    for number in range(200):
        service = ("fast", "slow")[number % 2]
        hours = (1 + number % 3) * (10 if service == "slow" else 1)
        opened_at = START + timedelta(hours=number)
        outcome = Outcome(resolved_at=opened_at + timedelta(hours=hours), sla_met=hours < 8)
        yield ResolvedIncident(IncidentReport(f"P{number}", opened_at, service=service), outcome)


@pytest.fixture
def client(app_of, registry, store):
    incidents = list(past())
    registry.promote("resolution", "1", ResolutionModel().fit(incidents))
    store.incidents.upsert(incidents)
    with TestClient(app_of(registry)) as opened:
        yield opened


def incident(service):
    opened_at = (START + timedelta(hours=250)).isoformat()
    return {"id": f"new-{service}", "title": "trouble", "service": service, "opened_at": opened_at}


def test_triage_answers_with_hours_and_risks(client):
    body = {"incident": incident("slow"), "include": ["resolution"]}
    answer = client.post("/v1/triage", json=body).json()
    resolution = answer["resolution"]
    assert set(resolution) >= NUMBERS
    assert 0 < resolution["lower_hours"] <= resolution["median_hours"] <= resolution["upper_hours"]
    assert 0 <= resolution["breach_probability"] <= 1
    assert resolution["reassignment_probability"] is None
    assert "reassignment" in answer["absent"]["resolution"]
    assert answer["models"]["resolution"]["version"] == "1"
    stored = client.get(f"/v1/predictions/{answer['prediction_id']}").json()
    assert stored["resolution"]["median_hours"] == resolution["median_hours"]


def test_a_batch_answers_each_incident(client):
    body = {"incidents": [incident("fast"), {"title": 5}, incident("slow")]}
    results = client.post("/v1/triage/batch", json=body).json()["results"]
    assert [result["status"] for result in results] == [200, 422, 200]
    fast, slow = (results[place]["triage"]["resolution"] for place in (0, 2))
    assert slow["median_hours"] > fast["median_hours"]
    assert slow["breach_probability"] > fast["breach_probability"]


def test_what_was_not_asked_for_is_left_out(client):
    body = {"incident": incident("slow"), "include": ["category"]}
    answer = client.post("/v1/triage", json=body).json()
    assert "resolution" not in answer
    assert "resolution" not in answer["absent"]


def test_without_a_model_it_is_absent_with_a_reason(app_of, trained_registry):
    with TestClient(app_of(trained_registry)) as client:
        answer = client.post("/v1/triage", json={"incident": incident("slow")}).json()
    assert answer["resolution"] is None
    assert answer["absent"]["resolution"].startswith("not trained: ")

"""What hostile or broken incident_context may get out of the service: an answer, and no secrets."""

import logging

import pytest
from starlette.testclient import TestClient

from features.errors import ArtifactRejected, RegistryUnavailable, StoreUnavailable
from features.store.incidents.tracked_incidents import TrackedIncidentRepository
from features.text.masking import Masking, configured_masking
from serving.runtime.settings import ServingSettings

PATH = "/srv/secret/precedent.db"


@pytest.mark.parametrize("id", ["a\\ud800b", "\\ud800", "\\u0000b", "👩\\ud83d"])
def test_lone_surrogates_of_an_id_are_cleaned_as_those_of_a_text(client, id):  # noqa: A002
    body = f'{{"incident": {{"id": "{id}"}}, "outcome": {{"duplicate_of": "{id}"}}}}'
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/incidents", content=body.encode(), headers=headers)
    assert response.status_code == 200, response.text
    stored = response.json()["incident_id"]
    assert client.get(f"/v1/incidents/{stored}").json()["incident"]["id"] == stored


def test_a_problem_of_the_store_tells_callers_no_path_and_operators_all(
    client, monkeypatch, caplog
):
    def fail(*_args):
        raise StoreUnavailable(f"the database sqlite:///{PATH} does not answer: no such table: x")

    monkeypatch.setattr(TrackedIncidentRepository, "get", fail)
    response = client.get("/v1/incidents/1", headers={"X-Request-ID": "r-1"})
    assert response.status_code == 503
    assert "secret" not in response.text
    assert "table" not in response.text
    (line,) = (r for r in caplog.records if r.levelno == logging.ERROR)
    assert PATH in line.fields["reason"]
    assert line.fields["request_id"] == "r-1"


@pytest.mark.parametrize("error", [RegistryUnavailable(PATH), OSError(PATH)])
def test_ready_tells_no_path_of_a_registry(app_of, registry, error):
    registry.error = error
    with TestClient(app_of(registry)) as client:
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert "registry" in response.json()["problems"]
    assert "secret" not in response.text


def test_ready_tells_no_path_of_a_champion(app_of, registry, monkeypatch):
    def refuse(*_args):
        raise ArtifactRejected(f"{PATH}: card.json altered")

    registry.promote("category", "1")
    monkeypatch.setattr(registry, "load", refuse)
    with TestClient(app_of(registry)) as client:
        ready, answer = (
            client.get("/health/ready"),
            client.post("/v1/triage", json={"incident": {}}),
        )
    assert "category" in ready.json()["problems"]
    assert "secret" not in ready.text + answer.text


@pytest.mark.parametrize("name", ["HOME", "PORT", "MASKING", "TENANT", "DATABASE_URL", "API_KEY"])
def test_an_empty_variable_is_one_that_is_not_set(monkeypatch, name):
    monkeypatch.delenv(f"PRECEDENT_{name}", raising=False)
    usual = ServingSettings()
    monkeypatch.setenv(f"PRECEDENT_{name}", "")
    assert ServingSettings() == usual
    assert configured_masking() == Masking()

"""`Idempotency-Key`: a request that is sent again is not carried out again."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.errors import StoreUnavailable
from features.store.operations import idempotency_keys
from features.store.operations.idempotency_keys import IdempotencyKeyRepository, KeyedRequest

BODY = {"incident": {"title": "vpn down"}}


def post(client: Any, path: str, body: Any, key: str = "k-1", **headers: str) -> Any:
    return client.post(path, json=body, headers={"Idempotency-Key": key, **headers})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/triage", BODY),
        ("/v1/triage/batch", {"incidents": [{"title": "vpn"}]}),
        ("/v1/incidents", BODY),
        ("/v1/changes", {"service": "a", "at": "2026-03-02T12:00:00Z", "summary": "b"}),
        ("/v1/anomalies", {"series": []}),
        ("/v1/feedback", {"prediction_id": "p", "target": "category", "action": "accept"}),
        (
            "/hooks/alertmanager",
            {"version": "4", "groupKey": "a", "status": "firing", "alerts": []},
        ),
    ],
)
def test_an_equal_request_gets_the_first_answer(client, path, body):
    first, again = post(client, path, body), post(client, path, body)
    assert first.status_code < 500
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in (first, again)]
    assert replayed == [None, "true"]
    assert post(client, path, body, "k-2").headers.get("Idempotency-Replayed") is None


def test_a_repeated_write_does_not_undo_what_came_between(client):
    opened = {"incident": {"id": "INC1", "title": "vpn down"}}
    first = post(client, "/v1/incidents", opened).json()
    client.post("/v1/incidents", json={"incident": {"id": "INC1", "title": "vpn is back"}})
    assert post(client, "/v1/incidents", opened).json() == first
    assert client.get("/v1/incidents/INC1").json()["incident"]["title"] == "vpn is back"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/triage", {"incident": {"title": "mail down"}}),
        ("/v1/incidents", BODY),
        ("/v1/triage?x=1", BODY),
    ],
)
def test_a_key_that_was_used_for_another_request_is_refused(client, path, body):
    post(client, "/v1/triage", BODY)
    answer = post(client, path, body)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def test_while_the_first_request_runs_the_second_has_to_wait(client, store):
    content = b'{"incident": {"title": "vpn down"}}'
    request = KeyedRequest("k-1", "/v1/triage?", sha256(content).hexdigest())
    assert store.idempotency_keys.begin(request, datetime.now(UTC)) is None
    headers = {"Idempotency-Key": "k-1", "content-type": "application/json"}
    answer = client.post("/v1/triage", content=content, headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


@pytest.mark.parametrize("unnamed", [{}, {"id": None}, {"id": " "}])
def test_a_crash_before_the_answer_was_kept_leaves_one_incident(
    client, store, monkeypatch, unnamed
):
    body = {"incident": {"title": "vpn down"} | unnamed}
    with monkeypatch.context() as patched:
        patched.setattr(IdempotencyKeyRepository, "finish", lambda *_: None)
        first = post(client, "/v1/incidents", body)
    monkeypatch.setattr(idempotency_keys, "MOST_RUNNING", timedelta(0))
    again = post(client, "/v1/incidents", body)
    assert again.headers.get("Idempotency-Replayed") is None
    assert again.json()["incident_id"] == first.json()["incident_id"]
    assert store.incidents.count() == 1


def test_other_keys_and_other_reports_are_other_incidents(client, store):
    incidents = [{"title": "vpn down"}, {"title": "vpn down"}]
    answer = post(client, "/v1/triage/batch", {"incidents": incidents}).json()
    ids = {result["id"] for result in answer["results"]}
    for key in ("k-2", "k-3"):
        ids.add(post(client, "/v1/incidents", BODY, key).json()["incident_id"])
    ids.add(client.post("/v1/incidents", json=BODY).json()["incident_id"])
    assert len(ids) == 5


def test_a_failure_is_not_kept(client, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(client.app.state.container.store.predictions, "record", fail)
        assert post(client, "/v1/triage", BODY).status_code == 503
    assert post(client, "/v1/triage", BODY).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "k" * 256])
def test_a_key_has_1_to_255_characters(client, key):
    assert post(client, "/v1/triage", BODY, key).status_code == 422


def test_an_answer_is_only_given_with_the_api_key(app_of, trained_registry):
    with TestClient(app_of(trained_registry, api_key="s3cret-16-letter")) as client:
        assert post(client, "/v1/triage", BODY, Authorization="Bearer s3cret-16-letter").is_success
        assert post(client, "/v1/triage", BODY).status_code == 401


def test_erasing_an_incident_erases_the_answers_that_name_it(client):
    body = {"incident": {"id": 'INC "1"', "title": "vpn down"}}
    other = {"incident": {"id": "INC2"}}
    first, second = post(client, "/v1/incidents", body), post(client, "/v1/incidents", other, "k-2")
    assert client.delete('/v1/incidents/INC "1"').status_code == 200
    assert post(client, "/v1/incidents", body).json() != first.json()
    assert post(client, "/v1/incidents", other, "k-2").json() == second.json()

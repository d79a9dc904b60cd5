"""Promotion, rollback and the queue of labels, as callers of the API meet them."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

import pytest
from factories import incident, prediction
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.domain.labels import LabelRecord, LabelSource
from features.home import Home
from models.artifacts.registry import ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

incident_now = partial(incident, opened_at=NOW)
ANA = {"given_by": "ana", "reason": "it knows the new groups"}


@pytest.fixture
def home(three_versions: Home, tmp_path) -> Home:
    """A home with three versions of category, of which none is champion."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    return home


@pytest.fixture
def owner(home, store) -> Iterator[TestClient]:
    """Asks an app with a real registry; started only where something has to answer."""
    settings = ServingSettings(home=home.root, api_key="secret-secret-16", audit_share=0)
    client = TestClient(create_app(settings, store=store))
    client.headers["Authorization"] = "Bearer secret-secret-16"
    return client


def champion(home):
    return ModelRegistry(home.tracking_uri, "default").champions()["category"].version


def test_a_champion_is_promoted_and_rolled_back_by_whom_the_log_names(owner, home, store):
    for version in ("1", "2"):
        done = owner.post("/v1/models/category/promote", json=ANA | {"version": version})
        assert done.status_code == 200, done.text
    assert (done.json()["target"], done.json()["version"]) == ("category", "2")
    assert owner.post("/v1/models/category/promote", content=b"").json()["version"] == "3"
    assert owner.post("/v1/models/category/rollback", json={}).json()["version"] == "2"
    assert champion(home) == "2"
    events = store.audit_log.select()
    assert [(event.action, event.version, event.actor, event.reason) for event in events] == [
        ("promote", "1", "ana", "it knows the new groups"),
        ("promote", "2", "ana", "it knows the new groups"),
        ("promote", "3", "api", ""),
        ("rollback", "2", "api", ""),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("category/promote", {"version": "9"}, 404, "has no version 9; it has: 3, 2, 1"),
        ("fields.a%2Fb/promote", {}, 404, "no model of 'fields.a/b' is registered"),
        ("fields.a%2Fb/rollback", {}, 404, "no model of 'fields.a/b'"),
        ("category/rollback", {}, 409, "no earlier champion"),
        ("category/promote", {"version": 3}, 422, "give text"),
        ("category/promote", {"by": "ana"}, 422, "there is no such field"),
    ],
)
def test_what_cannot_be_moved_is_a_problem(owner, store, path, body, status, words):
    refused = owner.post(f"/v1/models/{path}", json=body)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert words in refused.text
    assert refused.json()["request_id"]
    assert store.audit_log.select() == ()


def test_moving_needs_the_key(owner, store):
    for action in ("promote", "rollback"):
        path = f"/v1/models/category/{action}"
        assert owner.post(path, json={}, headers={"Authorization": ""}).status_code == 401
    assert owner.get("/v1/labels/queue", headers={"Authorization": ""}).status_code == 401


def test_a_registry_that_cannot_be_read_is_a_problem_that_names_no_file(owner, home):
    (home.root / "mlflow.db").write_bytes(b"half of a database" * 400)
    refused = owner.post("/v1/models/category/promote", json={})
    assert (refused.status_code, "mlflow.db" in refused.text) == (503, False)


@pytest.mark.quality
def test_altered_files_are_a_problem_that_names_none(owner, home):
    owner.post("/v1/models/category/promote", json={"version": "1"})
    folder = ModelRegistry(home.tracking_uri, "default").version("category", "2").folder
    (folder / "added").write_text("x")
    refused = owner.post("/v1/models/category/promote", json={"version": "2"})
    (folder / "added").unlink()
    assert refused.status_code == 409
    assert str(folder) not in refused.text
    assert champion(home) == "1"


def answered(id_, confidence, *, version="7", share=None, label="Network v7"):
    return prediction(
        id_,
        label,
        prediction_id=f"p-{id_}",
        model_version=version,
        confidence=confidence,
        decision="auto" if share else "suggest",
        mode="auto",
        answered_at=NOW,
        audit_share=share,
    )


@pytest.fixture
def queue(app_of: Callable[..., FastAPI], trained_registry, store):
    """Returns the entries of the queue once incidents and answers are stored."""

    def ask(incidents, answers, **query):
        store.incidents.upsert(incidents)
        store.predictions.record(answers)
        with TestClient(app_of(trained_registry)) as client:
            parameters = {"target": "category"} | query
            response = client.get("/v1/labels/queue", params=parameters)
        assert response.status_code == 200, response.text
        return response.json()["queue"]

    return ask


def test_the_unsure_and_the_recent_come_first(queue):
    incidents = [
        incident_now("sure", "database backup failed tonight"),
        incident_now("unsure", "mail server backup failed tonight"),
        incident_now(
            "old", "web server backup failed tonight", opened_at=NOW - timedelta(days=365)
        ),
    ]
    answers = [answered("sure", 0.9), answered("unsure", 0.3), answered("old", 0.3)]
    entries = queue(incidents, answers)
    assert [entry["incident_id"] for entry in entries] == ["unsure", "sure", "old"]
    first = entries[0]
    assert first["title"] == "mail server backup failed tonight"
    assert first["opened_at"] == "2026-03-01T12:00:00Z"
    assert first["why"] == "the model is 30% sure; like most others in the queue"
    assert (first["cluster_size"], first["is_audit"]) == (1, False)
    assert 0 < entries[2]["score"] < entries[0]["score"] < 1


@pytest.mark.quality
def test_what_stands_for_many_comes_before_what_stands_alone(queue):
    words = ["invoice", "export", "job", "failed", "nightly"]
    titles = [" ".join([*words, str(n) * 4, str(n) * 5]) for n in range(6)]
    incidents = [incident_now(f"I{n}", title) for n, title in enumerate(titles)]
    incidents.append(incident_now("alone", "zebra quokka"))
    answers = [answered(example.report.id, 0.5) for example in incidents]
    assert queue(incidents, answers)[-1]["incident_id"] == "alone"


def test_of_near_copies_one_is_asked(queue):
    incidents = [incident_now(f"I{n}", "disk full on the mail server") for n in range(4)]
    incidents.append(incident_now("other", "printer jam in the hall"))
    entries = queue(incidents, [answered(example.report.id, 0.5) for example in incidents])
    assert sorted(entry["cluster_size"] for entry in entries) == [1, 4]
    copies = next(entry for entry in entries if entry["cluster_size"] == 4)
    assert copies["why"].endswith("stands for 4 near-copies")


def test_the_audit_sample_comes_first_and_without_our_answer(queue, store):
    incidents = [
        incident_now("open", "no wifi"),
        incident_now("drawn", "vpn"),
        incident_now("done", "vpn"),
    ]
    answers = [
        answered("open", 0.2, label="Mail"),
        answered("drawn", 0.93, share=0.05),
        answered("done", 0.93, share=0.05),
    ]
    at = NOW + timedelta(hours=1)
    store.labels.record(
        [LabelRecord("done", "category", "VPN", LabelSource.AUDITED, "ana", at, "p-done")]
    )
    entries = queue(incidents, answers)
    assert [(entry["incident_id"], entry["is_audit"]) for entry in entries] == [
        ("drawn", True),
        ("open", False),
    ]
    assert "Network" not in str(entries)
    assert "Mail" not in str(entries)
    assert len(queue([], [], limit=1)) == 1


def test_what_has_a_label_or_no_incident_is_not_asked(queue, store):
    incidents = [incident_now("known", "vpn", category="VPN"), incident_now("said", "no wifi")]
    answers = [answered(id_, 0.5) for id_ in ("known", "said", "never stored")]
    store.labels.record([LabelRecord("said", "category", "VPN", LabelSource.ACCEPTED, "ana", NOW)])
    assert queue(incidents, answers) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"target": "nothing"},
        {"target": "category", "limit": "0"},
        {"target": "category", "x": "1"},
    ],
)
def test_a_query_that_cannot_be_answered_is_a_problem(client, query):
    refused = client.get("/v1/labels/queue", params=query)
    assert (refused.status_code, refused.json()["status"]) == (422, 422)


def test_a_target_with_a_slash_has_a_queue(app_of, registry):
    registry.promote("fields.a/b", "1")
    with TestClient(app_of(registry)) as client:
        response = client.get(f"/v1/labels/queue?target={quote('fields.a/b', safe='')}&limit=5")
    assert response.json()["queue"] == []

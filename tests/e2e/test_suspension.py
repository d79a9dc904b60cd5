"""A champion that loses to its baseline: monitoring suspends it, the API abstains, and it returns.

The store, the registry and the artifacts are real; the model is the toy model, which answers
"Network" to whatever is about a VPN.
"""

import json
import shutil
from datetime import datetime, timedelta

import pytest
from factories import incident, prediction
from starlette.testclient import TestClient
from typer.testing import CliRunner

from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.cli.app import app as training_app
from training.pipeline import retrain as retraining
from training.pipeline.report import TrainingReport

CUTOFF = datetime.fromisoformat("2026-02-01T00:00:00+00:00")
VPN = {"incident": {"title": "vpn down"}}


@pytest.fixture
def served_home(three_versions, empty_store, home, monkeypatch, promote):
    """A home with a champion of category, which the commands use too."""
    shutil.copy(three_versions.root / "mlflow.db", home.root)
    shutil.copy(empty_store, home.root / "precedent.db")
    promote("category", "1", home=home, tenant="default")
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


@pytest.fixture
def store(served_home):
    with open_store(served_home.database_url) as opened:
        yield opened


@pytest.fixture
def client(served_home, store, trusted_toy):
    registry = ModelRegistry(served_home.tracking_uri, "default", trusted=trusted_toy)
    settings = ServingSettings(home=served_home.root, poll_seconds=600)
    with TestClient(create_app(settings, registry=registry, store=store)) as opened:
        yield opened


def labelled_period(store, truth, *, first, count):
    """Store incidents with this label, which version 1 answered with "Network" if new enough."""
    incidents = [
        incident(
            f"INC{number}",
            f"vpn {truth} {number}",
            opened_at=CUTOFF + timedelta(hours=5 * (number - 100)),
            category=truth,
        )
        for number in range(first, first + count)
    ]
    store.incidents.upsert(incidents)
    store.predictions.record(
        [
            prediction(
                one.report.id,
                prediction_id=f"p-{one.report.id}",
                model_version="1",
                answered_at=one.report.opened_at + timedelta(minutes=1),
            )
            for one in incidents
            if one.report.opened_at > CUTOFF
        ]
    )


def monitor():
    result = CliRunner().invoke(training_app, ["monitor", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refresh(client):
    services = client.app.state.container
    services.champions.poll()
    services.suspensions.poll()
    return client


def category(client):
    response = refresh(client).post("/v1/triage", json=VPN)
    assert response.status_code == 200, response.text
    return response.json()["category"]


def suspended(client):
    (model,) = refresh(client).get("/v1/models").json()["models"]
    return model["suspended"]


@pytest.fixture
def bad_period(store):
    """What was Network until the champion's data ended is Access since."""
    labelled_period(store, "Network", first=0, count=80)
    labelled_period(store, "Access", first=80, count=80)


def test_a_champion_that_is_wrong_for_a_period_abstains_until_another_is_promoted(
    client, store, served_home, bad_period, promote
):
    assert category(client)["decision"] == "suggest"
    report = monitor()
    assert [alarm["signal"] for alarm in report["alarms"]].count("baseline") == 1
    (judgement,) = report["judgements"]
    assert judgement["is_worse"]
    assert (judgement["right"], judgement["baseline"]) == (0, "Access")
    assert [one["version"] for one in report["suspensions"]] == ["1"]

    answer = category(client)
    assert (answer["decision"], answer["label"]) == ("abstain", "Network")
    assert "category is suspended since" in answer["why"][0]
    assert "always answering 'Access' would have been right" in answer["why"][0]
    assert suspended(client)["reason"] in answer["why"][0]
    assert client.get("/health/ready").json()["suspended"] == ["category"]
    assert 'precedent_suspended{target="category"} 1.0' in client.get("/metrics").text
    page = client.get("/models").text
    assert "Suspended since" in page
    assert "would have been right" in page
    assert monitor()["suspensions"] == report["suspensions"]

    promote("category", "2", home=served_home, tenant="default")
    assert (category(client)["decision"], category(client)["why"]) == ("suggest", [])
    assert suspended(client) is None
    assert client.get("/health/ready").json()["suspended"] == []
    assert 'precedent_suspended{target="category"} 0.0' in client.get("/metrics").text
    assert "Suspended since" not in client.get("/models").text
    events = [(event.action, event.version, event.actor) for event in store.audit_log.select()]
    assert events[1:] == [
        ("suspend", "1", "precedent"),
        ("promote", "2", "Ana"),
        ("resume", "1", "Ana"),
    ]


def test_what_monitoring_no_longer_finds_worse_answers_again(client, store, bad_period):
    monitor()
    assert category(client)["decision"] == "abstain"
    labelled_period(store, "Network", first=160, count=300)
    report = monitor()
    assert report["judgements"][0]["is_restored"]
    assert report["suspensions"] == []
    assert category(client)["decision"] == "suggest"
    (event,) = store.audit_log.select(action="resume")
    assert (event.actor, event.version) == ("precedent", "1")
    assert "200 were right" in event.reason


def test_a_version_that_is_promoted_by_hand_again_is_judged_by_later_answers(
    client, store, served_home, bad_period, promote
):
    monitor()
    promote("category", "1", home=served_home, tenant="default")
    assert category(client)["decision"] == "suggest"
    assert monitor()["judgements"] == []
    assert category(client)["decision"] == "suggest"


def test_the_command_says_what_is_suspended(served_home, bad_period):
    output = CliRunner().invoke(training_app, ["monitor"]).stdout
    assert "SUSPENDED: version 1 of category is suspended since" in output
    assert "ALARM (baseline)" in output


def test_a_champion_that_is_right_is_not_suspended(client, store):
    labelled_period(store, "Network", first=0, count=200)
    assert monitor()["suspensions"] == []
    assert category(client)["decision"] == "suggest"
    assert store.audit_log.select(action="suspend") == ()


def test_maintenance_suspends_before_it_retrains(store, served_home, bad_period):
    result = CliRunner().invoke(training_app, ["maintain", "--json"])
    assert result.exit_code == 0, result.output
    first, *_ = store.audit_log.select(action="suspend")
    assert (first.version, first.actor) == ("1", "precedent")
    assert json.loads(result.stdout)["retrained"]


def test_a_champion_that_a_retraining_does_not_replace_is_judged_too(
    client, store, served_home, bad_period, monkeypatch
):
    nothing_trained = TrainingReport(split="folds", encoded=0, trained=())
    monkeypatch.setattr(retraining, "train", lambda *_: nothing_trained)
    result = CliRunner().invoke(training_app, ["retrain"])
    assert result.exit_code == 0, result.output
    assert category(client)["decision"] == "abstain"

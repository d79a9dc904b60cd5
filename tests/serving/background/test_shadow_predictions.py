"""Challengers: loaded beside the champions, asked in silence, and never in anybody's way."""

import time

import pytest
from starlette.testclient import TestClient

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoded_reports import ReportBatch
from features.errors import RegistryUnavailable, StoreUnavailable
from features.store.learning.shadow_predictions import ShadowPredictionRepository
from serving.background.challengers import ChallengerPoller
from serving.background.champions import ChampionPoller
from serving.background.mode_poller import ModePoller
from serving.background.shadow_predictions import ShadowPredictor
from serving.runtime.metrics import ServingMetrics
from serving.services.answer_policy import AnswerPolicy
from serving.services.triage import TriageService


@pytest.fixture
def word_model(trained_registry):
    return type(trained_registry.models["category", "7"])


@pytest.fixture
def watcher(trained_registry, word_model):
    """Follows a registry with a challenger of category, and of a target that is left out."""
    trained_registry.challenge("category", "8", word_model(name="8"))
    trained_registry.challenge("similar", "2", word_model(name="2"))
    following = ChallengerPoller(trained_registry, 0.01, excluded=("similar",))
    following.poll()
    return following


def wait_for(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def pollers(watcher):
    return {target: shadow.version.version for target, shadow in watcher.current().items()}


def test_challengers_are_followed_and_let_go_of(watcher, trained_registry, word_model):
    assert pollers(watcher) == {"category": "8"}
    trained_registry.challenge("category", "9", word_model(name="9"))
    trained_registry.broken.add(("category", "9"))
    watcher.poll()
    assert pollers(watcher) == {}
    trained_registry.challenging.clear()
    watcher.poll()
    assert pollers(watcher) == {}


@pytest.mark.parametrize("error", [RegistryUnavailable("locked"), RuntimeError("a bug")])
def test_an_outage_of_the_registry_keeps_the_challengers(watcher, trained_registry, error):
    trained_registry.error = error
    watcher.poll()
    assert pollers(watcher) == {"category": "8"}


def test_a_challenger_that_cannot_be_loaded_leaves_the_service_ready(
    app_of, trained_registry, word_model
):
    trained_registry.challenge("category", "8", word_model())
    trained_registry.broken.add(("category", "8"))
    with TestClient(app_of(trained_registry)) as client:
        wait_for(lambda: ("category", "8") in trained_registry.loads)
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["problems"]) == (200, {})
        assert client.post("/v1/triage", json={"incident": {"title": "vpn"}}).status_code == 200


@pytest.fixture
def asked(watcher, trained_registry, store):
    """A triage service whose challenger answers in silence, the shadow, and its metrics."""
    champions = ChampionPoller(trained_registry, 60)
    champions.poll()
    modes = ModePoller(store, 60)
    metrics = ServingMetrics()
    shadow = ShadowPredictor(lambda: watcher.current(), store, metrics, seconds=0.02)
    triage = TriageService(
        champions.current, lambda: AnswerPolicy(modes.modes), store, metrics, None, shadow
    )
    shadow.start()
    yield triage, shadow, metrics
    shadow.stop()


def pairs(store):
    return store.shadow_predictions.pairs("category", "8")


def test_each_silent_answer_is_paired_with_the_champions(asked, store):
    triage, _, metrics = asked
    reports = [IncidentReport(id=f"I{n}", title="vpn" if n % 3 else "printer") for n in range(100)]
    triage.triage(reports, include=None, request_id="r")
    triage.triage(reports[:1], include=["severity"], request_id="r")
    wait_for(lambda: len(pairs(store)) == 100)
    for pair in pairs(store):
        is_network = int(pair.incident_id[1:]) % 3 != 0
        word = "Network" if is_network else "Other"
        assert (pair.label, pair.champion_label) == (f"{word} v8", f"{word} v7")
        assert pair.champion_version == "7"
        assert pair.decision == pair.champion_decision == ("auto" if is_network else "abstain")
    assert b'shadow_answers_total{agrees="no",target="category"} 100.0' in metrics.render()


def test_what_is_too_much_is_dropped_and_counted(watcher, store, trained_registry):
    metrics = ServingMetrics()
    shadow = ShadowPredictor(lambda: watcher.current(), store, metrics)
    batch = ReportBatch([IncidentReport(id="I1", title="vpn")] * 5_000)
    started = time.monotonic()
    shadow.enqueue(batch, [None] * 5_000)
    assert time.monotonic() - started < 1
    assert b"precedent_shadow_dropped_total 2952.0" in metrics.render()


def test_a_challenger_that_fails_answers_nothing_and_ends_nothing(asked, store, trained_registry):
    triage, _, metrics = asked
    predict = trained_registry.models["category", "8"].predict

    def fail(_reports):
        raise RuntimeError("untried")

    trained_registry.models["category", "8"].predict = fail
    triage.triage([IncidentReport(id="I1", title="vpn")], include=None, request_id="r")
    wait_for(lambda: b"precedent_shadow_dropped_total 1.0" in metrics.render())
    trained_registry.models["category", "8"].predict = predict
    triage.triage([IncidentReport(id="I2", title="vpn")], include=None, request_id="r")
    wait_for(lambda: [pair.incident_id for pair in pairs(store)] == ["I2"])


def test_a_store_that_fails_costs_the_silent_answers_only(asked, store, monkeypatch):
    triage, shadow, metrics = asked

    def fail(*_args):
        raise StoreUnavailable("busy")

    monkeypatch.setattr(ShadowPredictionRepository, "record", fail)
    triage.triage([IncidentReport(id="I1", title="vpn")], include=None, request_id="r")
    wait_for(lambda: b"precedent_shadow_dropped_total 1.0" in metrics.render())
    assert shadow._thread.is_alive()


def test_what_is_deleted_meanwhile_is_not_written(watcher, store, trained_registry):
    champions = ChampionPoller(trained_registry, 60)
    champions.poll()
    metrics = ServingMetrics()
    shadow = ShadowPredictor(lambda: watcher.current(), store, metrics)
    triage = TriageService(
        champions.current,
        lambda: AnswerPolicy(store.modes.current()),
        store,
        metrics,
        None,
        shadow,
    )
    reports = [IncidentReport(id=f"I{number}", title="vpn") for number in range(2)]
    store.incidents.upsert([ResolvedIncident(report, Outcome()) for report in reports])
    triage.triage(reports, include=None, request_id="r")
    store.incidents.delete("I0")
    shadow.start()
    wait_for(lambda: hasattr(trained_registry.models["category", "8"], "asked_"))
    shadow.stop()
    assert [pair.incident_id for pair in pairs(store)] == ["I1"]


@pytest.mark.quality
def test_without_the_setting_nothing_is_loaded_or_asked(app_of, trained_registry, word_model):
    trained_registry.challenge("category", "8", word_model(name="8"))
    with TestClient(app_of(trained_registry, shadow=False)) as client:
        client.post("/v1/triage", json={"incident": {"title": "vpn"}})
        assert client.get("/v1/models").json()["models"][0]["challenger"] is None
    assert ("category", "8") not in trained_registry.loads


def test_models_name_the_challenger_and_how_often_it_agrees(app_of, trained_registry, word_model):
    trained_registry.challenge("category", "8", word_model(name="7"))
    with TestClient(app_of(trained_registry)) as client:
        services = client.app.state.container
        wait_for(lambda: services.challengers.current())
        client.post("/v1/triage", json={"incident": {"title": "vpn", "id": "I1"}})
        wait_for(lambda: pairs(services.store))
        model = client.get("/v1/models").json()["models"][0]
    assert model["rung"] == ""
    assert model["challenger"] == {
        "version": "8",
        "trained_at": "2026-03-01T00:00:00Z",
        "answers": 1,
        "agreement": 1.0,
    }

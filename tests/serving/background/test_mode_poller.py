"""What the owner allows, as callers see it, and how it is pollers."""

import threading
import time
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from features.domain.modes import Mode, ModeSetting
from features.errors import StoreUnavailable
from features.store.operations.modes import ModeRepository
from serving.background.mode_poller import ModePoller
from serving.schemas.answers import apply_mode

VPN = {"incident": {"title": "vpn"}}


@pytest.fixture
def client(app_of, trained_registry):
    """Asks an app that looks at modes only when told: a look under way could show older ones."""
    with TestClient(app_of(trained_registry, poll_seconds=60)) as opened:
        yield opened


@pytest.fixture
def allow(client, store):
    """Sets a mode, and has the app look at once."""

    def allowed(mode, target, label=None):
        store.modes.set(ModeSetting(target, label, Mode(mode), datetime.now(UTC)))
        client.app.state.container.modes.poll()

    return allowed


@pytest.fixture
def watcher(store):
    return ModePoller(store, 0.01)


def triage(client, **body):
    response = client.post("/v1/triage", json=VPN | body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("mode", ["monitor", "recommend", "auto"])
def test_a_mode_changes_nothing_of_what_the_evidence_supports(client, allow, mode):
    before = triage(client)
    allow(mode, "category")
    after = triage(client)
    assert after["category"] == before["category"] | {"mode": mode}
    assert after["category"]["decision"] == "auto"
    assert after["severity"] == before["severity"]
    assert after["fields"] == before["fields"]


def test_a_target_that_is_off_is_null_with_the_reason(client, allow):
    allow("off", "category")
    allow("off", "fields.subcategory")
    answer = triage(client)
    assert answer["category"] is None
    assert answer["fields"] == {}
    for target in ("category", "fields.subcategory"):
        assert answer["absent"][target] == "switched off by its owner: mode off"
    assert set(answer["models"]) == {"severity"}
    assert answer["severity"]["label"] == "Middle"
    assert "category" not in triage(client, include=["severity"])["absent"]


def test_a_label_that_is_off_abstains_without_a_certificate(client, allow):
    allow("auto", "category")
    before = triage(client)["category"]
    allow("off", "category", "Network v7")
    without = {"decision": "abstain", "mode": "off", "certificate": None}
    assert triage(client)["category"] == before | without
    other = triage(client, incident={"title": "printer"})["category"]
    assert (other["label"], other["mode"]) == ("Other v7", "auto")


def test_a_level_of_severity_has_a_mode_like_any_label(client, allow):
    allow("off", "severity", "Middle")
    severity = triage(client)["severity"]
    assert (severity["decision"], severity["mode"], severity["rank"]) == ("abstain", "off", 1)


def test_a_batch_says_the_modes_too(client, allow):
    allow("recommend", "category", "Network v7")
    body = {"incidents": [{"title": "vpn"}, {"title": "printer"}]}
    results = client.post("/v1/triage/batch", json=body).json()["results"]
    modes = [result["triage"]["category"]["mode"] for result in results]
    assert modes == ["recommend", "monitor"]


def test_models_are_listed_with_their_modes(client, allow):
    allow("recommend", "category")
    allow("off", "category", "Printing")
    allow("off", "severity")
    listed = {model["target"]: model for model in client.get("/v1/models").json()["models"]}
    modes = {target: (model["mode"], model["label_modes"]) for target, model in listed.items()}
    assert modes == {
        "category": ("recommend", {"Printing": "off"}),
        "fields.subcategory": ("monitor", {}),
        "severity": ("off", {}),
    }


def test_decisions_are_counted_by_mode(client, allow):
    allow("auto", "category")
    triage(client, include=["category"])
    counted = 'precedent_decisions_total{decision="auto",mode="auto",target="category"} 1.0'
    assert counted in client.get("/metrics").text


def test_the_documentation_explains_modes(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for kind in ("ChoiceAnswer", "SeverityAnswer"):
        assert "without a person" in schemas[kind]["properties"]["mode"]["description"]
        assert "mode" in schemas[kind]["required"]
    assert schemas["Mode"]["enum"] == ["off", "monitor", "recommend", "auto"]


def test_an_answer_keeps_every_field_of_its_prediction(trained_registry):
    for model in trained_registry.models.values():
        (prediction,) = model.predict([type("Report", (), {"title": "vpn"})])
        answer = apply_mode(prediction, Mode.AUTO)
        for name in prediction.__dataclass_fields__:
            assert getattr(answer, name) == getattr(prediction, name)
        assert isinstance(answer, type(prediction))


def test_a_request_keeps_the_modes_that_it_began_with(watcher, store):
    watcher.poll()
    modes = watcher.modes
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    watcher.poll()
    assert modes.of("category") is Mode.MONITOR
    assert watcher.modes.of("category") is Mode.AUTO


def test_while_the_store_is_away_the_last_modes_hold(watcher, store, monkeypatch, caplog):
    store.modes.set(ModeSetting("category", None, Mode.OFF, datetime.now(UTC)))
    watcher.poll()
    with monkeypatch.context() as patch:
        for error in (StoreUnavailable("busy"), RuntimeError("a bug")):
            patch.setattr(ModeRepository, "current", raising(error))
            watcher.poll()
            watcher.poll()
    assert watcher.modes.of("category") is Mode.OFF
    assert [record.fields["reason"] for record in caplog.records] == ["busy", "a bug"]
    store.modes.reset()
    watcher.poll()
    assert watcher.modes.of("category") is Mode.MONITOR


def test_the_thread_follows_and_stops(watcher, store):
    watcher.start()
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    deadline = time.monotonic() + 60
    while watcher.modes.of("category") is not Mode.AUTO and time.monotonic() < deadline:
        time.sleep(0.01)
    watcher.stop()
    assert watcher.modes.of("category") is Mode.AUTO
    assert "modes" not in {thread.name for thread in threading.enumerate()}


def test_modes_are_followed_while_a_champion_takes_long_to_load(app_of, trained_registry, store):
    is_loading, may_go_on = threading.Event(), threading.Event()
    load = trained_registry.load

    def load_slowly(version):
        if version.version == "8":
            is_loading.set()
            may_go_on.wait(30)
        return load(version)

    with TestClient(app_of(trained_registry)) as client:
        trained_registry.load = load_slowly
        trained_registry.promote("category", "8")
        assert is_loading.wait(60)
        store.modes.set(ModeSetting("category", None, Mode.OFF, datetime.now(UTC)))
        deadline = time.monotonic() + 60
        while triage(client)["category"] is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        pollers = triage(client)["category"] is None
        may_go_on.set()
    assert pollers


def raising(error):
    def fail(*_args):
        raise error

    return fail

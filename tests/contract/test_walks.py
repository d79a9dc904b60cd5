"""Four walks: how many modules and rooms each enters, and how often a call climbs a layer."""

import csv
import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import HandMovedRegistry, LevelModel
from starlette.testclient import TestClient
from typer.testing import CliRunner
from walk_tracer import WalkTracer
from watch_fakes import FakeAlertmanager, FakePrometheus, Watching, usual

from features.home import Home
from features.store.store import Store, open_store
from models.artifacts.registry import ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.cli.app import app as training_app


@dataclass(frozen=True)
class Bounds:
    """The most that a walk may enter and climb; some more than it does today."""

    modules: int
    rooms: int
    climbs: int


# Whether the client has gone is asked through the middleware, whether there are runbooks through
# the champion's encoder.
TRIAGE = Bounds(modules=60, rooms=12, climbs=2)
# Four of the climbs are results that `EncodedReports.once` computes for several models together.
TRAINING = Bounds(modules=187, rooms=28, climbs=7)
ALERT = Bounds(modules=95, rooms=15, climbs=6)
WATCH = Bounds(modules=47, rooms=7, climbs=0)

ALERTS = {
    "version": "4",
    "groupKey": "{}:{alertname='Errors'}",
    "status": "firing",
    "receiver": "precedent",
    "groupLabels": {"alertname": "Errors"},
    "commonLabels": {"alertname": "Errors", "service": "checkout"},
    "commonAnnotations": {"summary": "Errors at the checkout"},
    "externalURL": "http://alertmanager.example:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Errors", "service": "checkout"},
            "annotations": {"summary": "Errors at the checkout"},
            "startsAt": "2026-03-02T14:05:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c6eadffa33fcdf37",
        }
    ],
}


@pytest.fixture
def tracer() -> Iterator[WalkTracer]:
    tracer = WalkTracer()
    with tracer.installed():
        yield tracer


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    file = shutil.copy(empty_store, tmp_path / "store.db")
    with open_store(f"sqlite:///{file}") as opened:
        yield opened


@pytest.fixture
def client(
    tracer: WalkTracer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """Asks an app with two champions that looks for nothing new meanwhile."""
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    registry = HandMovedRegistry()
    registry.promote("category", "7")
    registry.promote("severity", "3", LevelModel())
    settings = ServingSettings(home=tmp_path / "home", poll_seconds=600, audit_share=0.0)
    with TestClient(create_app(settings, registry=registry, store=store)) as opened:
        yield opened


def assert_within(tracer: WalkTracer, bounds: Bounds) -> None:
    sys.stdout.write(
        f"{len(tracer.modules)} modules, {len(tracer.rooms)} rooms, {len(tracer.climbs)} climbs\n"
        + "\n".join(f"  {caller} -> {called}" for caller, called in sorted(tracer.climbs))
    )
    assert len(tracer.modules) <= bounds.modules, sorted(tracer.modules)
    assert len(tracer.rooms) <= bounds.rooms, sorted(tracer.rooms)
    assert len(tracer.climbs) <= bounds.climbs, sorted(tracer.climbs)


def write_export(file: Path, rows: int = 60) -> Path:
    """An export of two categories, hours apart."""
    words = {"Network": "vpn connection drops", "Printing": "printer jam on floor"}
    with file.open("w", newline="") as export:
        writer = csv.writer(export)
        writer.writerow(["id", "opened_at", "title", "category"])
        for number in range(rows):
            label = sorted(words)[number % 2]
            opened_at = f"2026-01-{1 + number // 3:02} {number % 3 * 5:02}:00:00"
            writer.writerow([f"T{number}", opened_at, f"{words[label]} {number}", label])
    return file


def test_an_http_body_becomes_a_stored_answer(
    tracer: WalkTracer, client: TestClient, store: Store
) -> None:
    with tracer.recording():
        body = {"incident": {"id": "INC1", "title": "VPN down", "service": "vpn"}}
        assert client.post("/v1/triage", json=body).status_code == 200
    assert len(store.predictions.latest(["INC1"])["INC1"]) >= 2
    assert_within(tracer, TRIAGE)


def test_an_export_row_becomes_a_champion(
    tracer: WalkTracer, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    history = write_export(tmp_path / "history.csv")
    # The command imports these when it runs, and the walk is about calls, not imports.
    for name in ("cli.output", "cli.read_history", "pipeline.train", "settings"):
        importlib.import_module(f"training.{name}")
    with tracer.recording():
        trained = CliRunner().invoke(
            training_app, ["train", "--history", str(history), "--target", "category"]
        )
    assert trained.exit_code == 0, trained.output
    assert "category" in ModelRegistry(home.tracking_uri, "default").champions()
    assert_within(tracer, TRAINING)


def test_an_alert_is_seen_in_the_inbox(tracer: WalkTracer, client: TestClient) -> None:
    with tracer.recording():
        assert client.post("/hooks/alertmanager", json=ALERTS).status_code == 200
        assert "Errors at the checkout" in client.get("/").text
    assert_within(tracer, ALERT)


def test_a_metric_point_becomes_a_notification(tracer: WalkTracer, store: Store) -> None:
    prometheus, alertmanager = FakePrometheus(), FakeAlertmanager()
    watch = Watching(store, prometheus, alertmanager)
    begin = watch.now
    prometheus.series["errors"] = [
        ({"__name__": "errors"}, lambda at: usual(at) + 50 * (at > begin + 600))
    ]
    watch.begin()
    with tracer.recording():
        while not alertmanager.asked:
            watch.step()
    watch.end()
    prometheus.close()
    alertmanager.close()
    assert_within(tracer, WATCH)

"""Incidents of whose alerts nothing was heard: stale, but neither resolved nor lost."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from factories import incident

from features.domain.alerts.alert import Alert
from features.domain.report import Outcome, Status
from features.domain.tracking import Author, TrackedIncident
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from serving.runtime.settings import ServingSettings
from serving.services.alerts.stale_incidents import StaleIncidentMarker

NOW = datetime.now(UTC)
Poll = Callable[..., None]


@pytest.fixture
def poll(store: Store, tmp_path: Path) -> Poll:
    def poll_once(**settings: object) -> None:
        StaleIncidentMarker(store, ServingSettings(home=tmp_path, **settings)).poll()

    return poll_once


def put(store: Store, *hours_unheard: float, status: Status = Status.OPEN) -> None:
    alerts = tuple(
        Alert(f"f{number}", last_seen_at=NOW - timedelta(hours=hours), number=number)
        for number, hours in enumerate(hours_unheard)
    )
    new = replace(incident("a-1"), outcome=Outcome(status=status))
    tracked = TrackedIncident(new, alerts=alerts)
    store.tracked.revise("a-1", lambda _: Revision((tracked,), Author.SOURCE, NOW))


def outcome_of(store: Store) -> Outcome:
    return store.tracked.get("a-1").incident.outcome


def test_it_stays_open_and_gets_no_time_of_resolution(store: Store, poll: Poll) -> None:
    put(store, 6, 9)
    poll()
    assert outcome_of(store) == Outcome(status=Status.STALE)
    assert outcome_of(store).is_open
    (version,) = store.tracked.versions("a-1")
    assert (version.author, version.changes) == (Author.PRECEDENT, {"status": ("open", "stale")})
    revision = store.incidents.revision()
    poll()
    assert store.incidents.revision() == revision


def test_one_alert_that_was_heard_keeps_it_open(store: Store, poll: Poll) -> None:
    put(store, 9, 4)
    poll()
    assert outcome_of(store).status is Status.OPEN


def test_a_resolved_incident_stays_resolved(store: Store, poll: Poll) -> None:
    put(store, 9, status=Status.RESOLVED)
    poll()
    assert outcome_of(store).status is Status.RESOLVED


@pytest.fixture
def alertmanager() -> Iterator[HTTPServer]:
    """Lists the alerts that a test puts into `alerts`, or fails while it is None."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            alerts = self.server.alerts  # type: ignore[attr-defined]
            self.send_response(500 if alerts is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(alerts).encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("alerts", "status"),
    [
        ([{"fingerprint": "f0", "status": {"state": "suppressed"}}], Status.OPEN),
        ([{"fingerprint": "other", "status": {"state": "active"}}], Status.STALE),
        (None, Status.OPEN),
    ],
)
def test_alertmanager_is_asked_first(
    store: Store, poll: Poll, alertmanager: HTTPServer, alerts: object, status: Status
) -> None:
    alertmanager.alerts = alerts  # type: ignore[attr-defined]
    put(store, 9)
    poll(alertmanager_url=f"http://127.0.0.1:{alertmanager.server_port}/")
    assert outcome_of(store).status is status
    if alerts and status is Status.OPEN:
        assert store.tracked.unheard_since(NOW - timedelta(hours=5)) == ()

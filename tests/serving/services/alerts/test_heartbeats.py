"""Alerts that must always fire: they open no incident, and their silence is known."""

from datetime import UTC, datetime, timedelta

from starlette.testclient import TestClient

from features.domain.alerts.heartbeat import Heartbeat
from features.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def body(*names: str, status: str = "firing") -> dict[str, object]:
    alerts = [
        {"status": status, "labels": {"alertname": name}, "fingerprint": name} for name in names
    ]
    return {"groupKey": "watchdog", "status": status, "alerts": alerts}


def test_a_heartbeat_opens_no_incident(client: TestClient, store: Store) -> None:
    answer = client.post("/hooks/alertmanager", json=body("Watchdog")).json()
    assert (answer["effect"], answer["incident_id"]) == ("heartbeat", None)
    assert store.incidents.count() == 0
    assert store.heartbeats.silent(datetime.now(UTC)) == ()


def test_other_alerts_of_its_group_open_an_incident(client: TestClient, store: Store) -> None:
    answer = client.post("/hooks/alertmanager", json=body("Watchdog", "Down")).json()
    assert answer["effect"] == "opened"
    assert [one.fingerprint for one in store.tracked.get(answer["incident_id"]).alerts] == ["Down"]


def test_a_heartbeat_that_ended_is_silent_at_once(client: TestClient, store: Store) -> None:
    client.post("/hooks/alertmanager", json=body("Watchdog"))
    client.post("/hooks/alertmanager", json=body("Watchdog", status="resolved"))
    assert [beat.name for beat in store.heartbeats.silent(datetime.now(UTC))] == ["Watchdog"]


def test_it_is_silent_after_three_missing_deliveries(store: Store) -> None:
    for minutes in range(0, 60, 5):
        # Both members of a cluster deliver.
        for seconds in (0, 0.2):
            at = NOON + timedelta(minutes=minutes, seconds=seconds)
            store.heartbeats.record("Watchdog", at, is_ended=False)
    last = NOON + timedelta(minutes=55)
    assert store.heartbeats.silent(last + timedelta(minutes=13)) == ()
    (silent,) = store.heartbeats.silent(last + timedelta(minutes=17))
    assert silent.last_seen_at == last + timedelta(seconds=0.2)


def test_a_silence_is_not_learned_as_its_interval() -> None:
    beat = Heartbeat("Watchdog", NOON, interval_seconds=300.0)
    after = beat.heard(NOON + timedelta(hours=9), is_ended=False)
    assert after.interval_seconds == 300.0
    assert not after.is_silent(after.last_seen_at)

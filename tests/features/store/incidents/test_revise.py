"""Deciding under the write lock which incidents with one id prefix are written."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

from factories import incident, prediction

from features.domain.alerts.alert import Alert
from features.domain.report import IncidentReport, Outcome, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALERT = Alert("f1", {"alertname": "Down"}, {"summary": "down"}, began_at=NOON, first_seen_at=NOON)


def written(*tracked: TrackedIncident, **facts: object) -> Revision:
    return Revision(tracked, Author.SOURCE, NOON, "test", **facts)


def test_the_incidents_whose_ids_begin_with_the_prefix_are_seen_in_order(store: Store) -> None:
    names = ["a-2", "a-1", "a-", "a", "b-1", "A-1", "a-\U0001f525", "a%1"]
    store.incidents.upsert([incident(name) for name in names])
    seen: list[str] = []
    revision = store.tracked.revise_group(
        "a-", lambda stored: seen.extend(tracked.incident.report.id for tracked in stored)
    )
    assert seen == ["a-", "a-1", "a-2", "a-\U0001f525"]
    assert revision is None
    assert store.incidents.revision() == 1


def test_an_unchanged_incident_keeps_its_revision(store: Store) -> None:
    first = TrackedIncident(incident("a-1"))
    store.tracked.revise_group("a-", lambda _: written(first))
    assert (store.incidents.get("a-1"), store.incidents.revision()) == (first.incident, 1)
    store.tracked.revise_group("a-", lambda stored: written(stored[-1]))
    assert store.incidents.revision() == 1
    other = TrackedIncident(incident("a-1", "other"))
    store.tracked.revise_group("a-", lambda _: written(other))
    assert store.incidents.changes_since(1).upserted == (other.incident,)


def test_one_of_several_simultaneous_writers_opens_the_incident(store: Store) -> None:
    start = Barrier(6)

    def deliver(number: int) -> bool:
        start.wait()
        new = TrackedIncident(incident(f"a-{number}"))
        decide = lambda stored: None if stored else written(new)  # noqa: E731
        return store.tracked.revise_group("a-", decide) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(deliver, range(6))) == 1
    assert store.incidents.count() == 1


def test_tracking_and_alerts_are_read_back_as_written(store: Store) -> None:
    tracking = Tracking(
        updated_at=NOON,
        opening=IncidentReport("a-1", NOON, "first", attributes={"site": "Graz"}),
        authors={"severity": Author.PERSON},
        acknowledged_at=NOON,
        acknowledged_by="ann",
        previous_id="a-0",
        consequence_of="b-1",
        peak_severity="critical",
        reopenings=2,
        change_id="deploy-1",
    )
    outcome = Outcome(category="Mail", status=Status.STALE)
    new = TrackedIncident(replace(incident("a-1"), outcome=outcome), tracking, (ALERT,))
    store.tracked.revise("a-1", lambda _: written(new))
    assert store.tracked.get("a-1") == new
    assert store.tracked.consequences(["b-1"]) == {"b-1": (new,)}
    cleared = replace(new, tracking=Tracking(), alerts=(replace(ALERT, is_firing=False),))
    store.tracked.revise("a-1", lambda _: written(cleared))
    assert store.tracked.get("a-1") == cleared


def test_each_change_is_kept_with_its_values_before_and_after(store: Store) -> None:
    new = TrackedIncident(incident("a-1"))
    store.tracked.revise("a-1", lambda _: written(new))
    assert store.tracked.versions("a-1") == ()
    outcome = replace(new.incident.outcome, severity="high")
    worse = replace(new, incident=replace(new.incident, outcome=outcome))
    for _ in range(2):
        store.tracked.revise("a-1", lambda _: written(worse))
    (version,) = store.tracked.versions("a-1")
    assert (version.number, version.author, version.actor) == (1, Author.SOURCE, "test")
    assert version.changes == {"severity": (None, "high")}


def test_a_deleted_incident_leaves_no_trace_beside_it(store: Store) -> None:
    head = TrackedIncident(incident("a-1"), Tracking(previous_id="x"), (ALERT,))
    member = TrackedIncident(incident("a-2"), Tracking(consequence_of="a-1", previous_id="a-1"))
    store.tracked.revise_group("a-", lambda _: written(head, member, triaged=("a-1", "a-2")))
    assert store.incidents.delete("a-1")
    assert store.tracked.get("a-1") is None
    assert store.tracked.get("a-2") == TrackedIncident(incident("a-2"))
    store.incidents.upsert([incident("a-1")])
    assert store.tracked.get("a-1") == TrackedIncident(incident("a-1"))
    assert store.triage_queue.count() == 1


def test_an_import_replaces_history_but_merges_into_live_incidents(store: Store) -> None:
    store.incidents.upsert([incident("old", "vpn", category="Network")])
    live = TrackedIncident(
        incident("live", "disk full", severity="High"),
        Tracking(authors={"severity": Author.PERSON}),
    )
    store.tracked.revise("live", lambda _: written(live))
    store.tracked.import_history(
        [incident("old", "vpn"), incident("live", "disk", severity="Low"), incident("new")]
    )
    assert store.incidents.get("old") == incident("old", "vpn")
    assert store.incidents.get("live") == incident("live", "disk", severity="High")
    assert store.tracked.opening_reports() == {"live": live.incident.report}
    (version,) = store.tracked.versions("live")
    assert (version.actor, version.changes) == ("import", {"title": ("disk full", "disk")})
    revision = store.incidents.revision()
    assert store.tracked.import_history([incident("live", "disk", severity="Low")]) == revision


def test_of_an_import_the_newest_open_incidents_wait_to_be_triaged(store: Store) -> None:
    many = [incident(f"INC{n:02}", opened_at=NOON + timedelta(hours=n)) for n in range(60)]
    store.predictions.record([prediction("INC59")])
    store.tracked.import_history([*many, incident("closed", category="Network")])
    queued = store.triage_queue.take(100, now=datetime.now(UTC), hold_seconds=9)
    assert {one.incident_id for one in queued} == {f"INC{n:02}" for n in range(10, 59)}

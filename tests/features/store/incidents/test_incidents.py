"""Incidents are read from the store as they were written, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.incidents.incidents import IncidentChanges
from features.store.store import Store, open_store

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
FULL = ResolvedIncident(
    IncidentReport(
        id="INC1",
        opened_at=NOON.replace(microsecond=123456),
        title="Drucker brennt 🔥",
        description="line one\nline two, 'quoted' \"twice\"; DROP TABLE incidents; --",
        service="printing",
        source="mail",
        attributes=MappingProxyType({"site": "Graz", "ünïcode": "日本", "empty": ""}),
    ),
    Outcome(
        category="Hardware",
        assignment="GRP_1",
        severity="2 - High",
        resolution="bucket of water",
        runbook_id="fire",
        resolved_at=NOON + timedelta(hours=1),
        duplicate_of="INC0",
        fields={"subcategory": "printer"},
    ),
)


def unresolved(
    incident_id: str, title: str = "", opened_at: datetime | None = None
) -> ResolvedIncident:
    return ResolvedIncident(
        IncidentReport(id=incident_id, title=title, opened_at=opened_at), Outcome()
    )


def test_every_field_comes_back_equal(store: Store) -> None:
    store.incidents.upsert([FULL])
    assert store.incidents.get("INC1") == FULL


def test_an_unresolved_incident_without_anything_comes_back_equal(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1")])
    assert store.incidents.get("INC1") == unresolved("INC1")


def test_a_time_of_another_zone_comes_back_in_utc(store: Store) -> None:
    local = datetime(2024, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    store.incidents.upsert([unresolved("INC1", opened_at=local)])
    opened_at = store.incidents.get("INC1").report.opened_at
    assert opened_at == NOON
    assert opened_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="no time zone"):
        store.incidents.upsert([unresolved("INC1", opened_at=datetime(2024, 3, 1, 12))])  # noqa: DTZ001
    assert store.incidents.count() == 0


def test_an_update_replaces_everything(store: Store) -> None:
    store.incidents.upsert([FULL])
    store.incidents.upsert([unresolved("INC1", "reopened")])
    assert store.incidents.get("INC1") == unresolved("INC1", "reopened")
    assert store.incidents.count() == 1


def test_the_last_of_two_with_one_id_in_a_batch_wins(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1", "first"), unresolved("INC1", "second")])
    assert store.incidents.get("INC1") == unresolved("INC1", "second")


def test_an_unknown_id_is_none(store: Store) -> None:
    assert store.incidents.get("INC1") is None


def test_each_write_moves_the_revision_by_one(store: Store) -> None:
    assert store.incidents.revision() == 0
    assert store.incidents.upsert([unresolved("INC1")]) == 1
    assert store.incidents.upsert([unresolved("INC2"), unresolved("INC3")]) == 2
    store.incidents.delete("INC1")
    assert store.incidents.revision() == 3


def test_nothing_to_upsert_is_no_write(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1")])
    assert store.incidents.upsert([]) == 1


def test_delete_removes_and_tells_whether_there_was_one(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1")])
    assert store.incidents.delete("INC1")
    assert not store.incidents.delete("INC1")
    assert store.incidents.get("INC1") is None
    assert store.incidents.count() == 0


def test_incidents_come_by_time_then_id_with_unknown_times_first(store: Store) -> None:
    later = NOON + timedelta(seconds=1)
    times = {"b": NOON, "a": later, "ä": None, "B": NOON, "z": None, "row-10": NOON, "row-9": NOON}
    store.incidents.upsert([unresolved(name, opened_at=time) for name, time in times.items()])
    ids = [incident.report.id for incident in store.incidents.all()]
    assert ids == ["z", "ä", "B", "b", "row-10", "row-9", "a"]


def test_more_incidents_than_are_fetched_at_once_all_come(store: Store) -> None:
    store.incidents.upsert([unresolved(f"INC{number}") for number in range(2_500)])
    assert len({incident.report.id for incident in store.incidents.all()}) == 2_500


def test_changes_since_the_beginning_are_everything(store: Store) -> None:
    store.incidents.upsert([unresolved("INC2"), unresolved("INC1")])
    store.incidents.upsert([FULL])
    assert store.incidents.changes_since(0) == IncidentChanges(2, (unresolved("INC2"), FULL), ())


def test_changes_are_only_what_came_later(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1"), unresolved("INC2"), unresolved("INC3")])
    seen = store.incidents.revision()
    store.incidents.upsert([unresolved("INC2", "new")])
    store.incidents.delete("INC3")
    assert store.incidents.changes_since(seen) == IncidentChanges(
        3, (unresolved("INC2", "new"),), ("INC3",)
    )
    assert store.incidents.changes_since(3) == IncidentChanges(3)


def test_a_deleted_incident_that_returns_is_no_deletion(store: Store) -> None:
    store.incidents.upsert([unresolved("INC1")])
    store.incidents.delete("INC1")
    store.incidents.upsert([unresolved("INC1", "again")])
    assert store.incidents.changes_since(1) == IncidentChanges(
        3, (unresolved("INC1", "again"),), ()
    )


def test_an_incident_deleted_twice_is_reported_after_the_second_time(store: Store) -> None:
    for _ in range(2):
        store.incidents.upsert([unresolved("INC1")])
        store.incidents.delete("INC1")
    assert store.incidents.changes_since(3).deleted == ("INC1",)


def test_storing_the_same_again_changes_nothing_for_the_workers(store: Store) -> None:
    store.incidents.upsert([FULL, unresolved("INC2")])
    assert store.incidents.upsert([FULL, unresolved("INC2", "new")]) == 2
    assert store.incidents.changes_since(1).upserted == (unresolved("INC2", "new"),)


def test_tenants_share_a_database_and_see_nothing_of_each_other(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.incidents.upsert([unresolved("INC1", "ours")])
        theirs.incidents.upsert([unresolved("INC1", "theirs")])
        theirs.incidents.delete("INC1")
        assert ours.incidents.get("INC1") == unresolved("INC1", "ours")
        assert (ours.incidents.revision(), theirs.incidents.revision()) == (1, 2)
        assert ours.incidents.changes_since(0).deleted == ()
        assert list(theirs.incidents.all()) == []


def test_a_store_that_is_opened_again_has_lost_nothing(database_url: str) -> None:
    with open_store(database_url) as store:
        store.incidents.upsert([FULL])
    with open_store(database_url) as store:
        assert store.incidents.get("INC1") == FULL
        assert store.incidents.revision() == 1

"""Open incidents of one trouble stand under the incident that came first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident

from features.domain.alerts.alert import Alert
from features.domain.report import Outcome, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from serving.runtime.errors import UnknownIncident
from serving.services.alerts.storms import StormService

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GROUP_A, GROUP_B = "alert-aaaaaaaaaaaaaaaa-", "alert-bbbbbbbbbbbbbbbb-"


@pytest.fixture
def storms(store: Store) -> StormService:
    return StormService(store)


def put(
    store: Store,
    name: str,
    *,
    minutes: float = 0,
    peak: str | None = None,
    status: Status = Status.OPEN,
    alerts: int = 0,
    firing: bool = True,
) -> str:
    new = incident(name, opened_at=NOON + timedelta(minutes=minutes))
    tracked = TrackedIncident(
        replace(new, outcome=Outcome(status=status)),
        Tracking(peak_severity=peak),
        tuple(
            Alert(f"f{n}", {"alertname": f"Alert{n}", "service": "pay"}, is_firing=firing, number=n)
            for n in range(alerts)
        ),
    )
    store.tracked.revise(name, lambda _: Revision((tracked,), Author.SOURCE, NOON))
    return name


def head_of(store: Store, name: str) -> str | None:
    return store.tracked.get(name).tracking.consequence_of


def test_an_open_match_puts_an_incident_under_the_first_one(store, storms) -> None:
    put(store, "a", alerts=2)
    put(store, "b", minutes=1, alerts=3)
    put(store, "c", minutes=2)
    storms.link("b", "a")
    storms.link("c", "b")
    storm = storms.storms_of(["a", "b", "c"])["a"]
    assert [member.incident.report.id for member in storm.members] == ["b", "c"]
    assert (storm.incident_count, storm.alert_count) == (3, 6)
    assert (storm.since, storm.first) == (NOON, "Alert0 on pay")
    assert store.incidents.get("b").outcome.duplicate_of is None


def test_a_storm_may_have_more_than_fifty_members(store, storms) -> None:
    put(store, "a")
    for number in range(70):
        storms.link(put(store, f"m{number}", minutes=1), "a")
    assert storms.storms_of(["a"])["a"].incident_count == 71


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.STALE])
def test_only_what_is_open_heads_a_storm(store, storms, status: Status) -> None:
    put(store, "a", status=status)
    storms.link(put(store, "b", minutes=1), "a")
    assert head_of(store, "b") is None


def test_members_that_are_resolved_leave_the_storm(store, storms) -> None:
    put(store, "a")
    storms.link(put(store, "b", minutes=1), "a")
    tracked = store.tracked.get("b")
    over = replace(tracked.incident, outcome=Outcome(status=Status.RESOLVED))
    store.tracked.revise(
        "b", lambda _: Revision((replace(tracked, incident=over),), Author.SOURCE, NOON)
    )
    assert storms.storms_of(["a"]) == {}


def test_a_member_that_is_more_severe_than_the_head_rises(store, storms) -> None:
    put(store, "a", peak="warning")
    storms.link(put(store, "b", minutes=1, peak="critical"), "a")
    storms.link(put(store, "c", minutes=1, peak="info"), "a")
    rising = storms.storms_of(["a"])["a"].rising
    assert [member.incident.report.id for member in rising] == ["b"]


def test_only_members_whose_alerts_ended_may_be_closed_with_the_head(store, storms) -> None:
    put(store, "a", alerts=1)
    storms.link(put(store, "b", minutes=1, alerts=2, firing=False), "a")
    storms.link(put(store, "c", minutes=1, alerts=2), "a")
    storms.link(put(store, "d", minutes=1), "a")
    ended = storms.storms_of(["a"])["a"].ended
    assert [member.incident.report.id for member in ended] == ["b"]


def test_what_was_split_is_not_linked_again_also_in_later_episodes(store, storms) -> None:
    put(store, f"{GROUP_A}20260302")
    storms.link(put(store, f"{GROUP_B}20260302", minutes=1), f"{GROUP_A}20260302")
    storms.split(f"{GROUP_B}20260302", "ann")
    assert head_of(store, f"{GROUP_B}20260302") is None
    storms.link(f"{GROUP_B}20260302", f"{GROUP_A}20260302")
    assert head_of(store, f"{GROUP_B}20260302") is None
    put(store, f"{GROUP_A}20260303", minutes=1440)
    storms.link(put(store, f"{GROUP_B}20260303", minutes=1441), f"{GROUP_A}20260303")
    assert head_of(store, f"{GROUP_B}20260303") is None


def test_what_was_joined_by_hand_is_joined_in_later_episodes(store, storms) -> None:
    put(store, f"{GROUP_A}20260302")
    put(store, f"{GROUP_B}20260302", minutes=1)
    storms.join(f"{GROUP_B}20260302", f"{GROUP_A}20260302", "ann")
    assert head_of(store, f"{GROUP_B}20260302") == f"{GROUP_A}20260302"
    put(store, f"{GROUP_A}20260309", minutes=7 * 1440)
    storms.link(put(store, f"{GROUP_B}20260309", minutes=7 * 1440 + 1), None)
    assert head_of(store, f"{GROUP_B}20260309") == f"{GROUP_A}20260309"


def test_a_head_that_is_joined_takes_its_members_along(store, storms) -> None:
    put(store, "a")
    storms.link(put(store, "b", minutes=1), "a")
    put(store, "z", minutes=-1)
    storms.join("a", "z", "ann")
    assert (head_of(store, "a"), head_of(store, "b")) == ("z", "z")
    with pytest.raises(UnknownIncident):
        storms.join("z", "b", "ann")


def test_links_to_unknown_incidents_are_refused(store, storms) -> None:
    put(store, "a")
    for join in (("a", "b"), ("b", "a")):
        with pytest.raises(UnknownIncident):
            storms.join(*join, "ann")
    with pytest.raises(UnknownIncident):
        storms.split("b", "ann")

"""How deliveries of a group of alerts open, change, end and separate its incidents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.alerts.alert import Alert
from features.domain.report import Status
from features.domain.tracking import Author, TrackedIncident
from serving.services.alerts.delivery import Delivery
from serving.services.alerts.episodes import EpisodeDecision, decide_episode

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STALE_AFTER = timedelta(hours=5)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def alert(
    name: str,
    severity: str | None = "warning",
    *,
    began: float = 0,
    ended: float | None = None,
    **annotations: str,
) -> Alert:
    labels = {"alertname": name, "service": f"{name.lower()}-service"}
    return Alert(
        fingerprint=name,
        labels=labels | ({} if severity is None else {"severity": severity}),
        annotations={"summary": f"{name} is bad"} | annotations,
        is_firing=ended is None,
        began_at=NOON + minutes(began),
        ended_at=None if ended is None else NOON + minutes(ended),
    )


class Group:
    """The incidents of one group, as deliveries change them."""

    def __init__(self) -> None:
        self.incidents: dict[str, TrackedIncident] = {}

    def deliver(self, *alerts: Alert, at: float = 0, **facts: str) -> EpisodeDecision:
        now = NOON + minutes(at)
        seen = tuple(replace(one, first_seen_at=now, last_seen_at=now) for one in alerts)
        stored = [self.incidents[name] for name in sorted(self.incidents)]
        decision = decide_episode(stored, Delivery("g-", seen, facts, now), STALE_AFTER)
        for tracked in decision.written:
            self.incidents[tracked.incident.report.id] = tracked
        return decision

    @property
    def statuses(self) -> list[Status]:
        return [
            self.incidents[name].incident.outcome.effective_status
            for name in sorted(self.incidents)
        ]


@pytest.fixture
def group() -> Group:
    return Group()


def test_a_critical_alert_that_joins_leads_the_incident(group: Group) -> None:
    group.deliver(alert("Slow"))
    runbook = "https://runbooks.example.com/db"
    down = alert("Down", "critical", began=7, runbook_url=runbook)
    decision = group.deliver(alert("Slow"), down, at=7)
    assert (decision.effect, decision.is_triaged, len(group.incidents)) == ("updated", True, 1)
    (tracked,) = group.incidents.values()
    report = tracked.incident.report
    assert (report.title, report.service) == ("Down is bad", "down-service")
    assert report.attributes["runbook_url"] == runbook
    assert report.attributes["other_services"] == "slow-service"
    assert report.opened_at == NOON
    assert tracked.tracking.peak_severity == "critical"
    assert tracked.opening_report.title == "Slow is bad"
    assert [one.fingerprint for one in tracked.alerts] == ["Slow", "Down"]


def test_the_peak_severity_stays_when_the_worst_alert_ends(group: Group) -> None:
    group.deliver(alert("Slow"), alert("Down", "critical"))
    decision = group.deliver(alert("Slow"), alert("Down", "critical", ended=9), at=9)
    (tracked,) = group.incidents.values()
    assert (decision.effect, decision.is_triaged) == ("updated", True)
    assert tracked.incident.report.title == "Slow is bad"
    assert tracked.tracking.peak_severity == "critical"
    assert tracked.incident.report.attributes["severity"] == "critical"


def test_an_ended_alert_does_not_lead_a_new_incident(group: Group) -> None:
    full = alert("DiskFull", "critical", began=-60, ended=-2, runbook_url="https://rb/disk")
    group.deliver(full, alert("Expired", "warning"))
    (tracked,) = group.incidents.values()
    assert tracked.incident.report.title == "Expired is bad"
    assert tracked.incident.report.opened_at == NOON
    assert "runbook_url" not in tracked.incident.report.attributes
    assert tracked.tracking.peak_severity == "warning"
    assert len(tracked.alerts) == 2


def test_an_alert_of_unknown_severity_does_not_lead_one_that_warns(group: Group) -> None:
    group.deliver(alert("Unrated", None, began=-5), alert("Slow", "warning"))
    (tracked,) = group.incidents.values()
    assert tracked.incident.report.title == "Slow is bad"


def test_both_members_of_a_cluster_may_deliver(group: Group) -> None:
    group.deliver(alert("Slow"), externalURL="http://am-1")
    decision = group.deliver(alert("Slow"), externalURL="http://am-2", at=0.1)
    assert (decision.effect, decision.is_triaged) == ("unchanged", False)
    (tracked,) = group.incidents.values()
    assert tracked.alerts[0].last_seen_at == NOON + minutes(0.1)


def test_a_number_in_a_text_changes_the_report_but_needs_no_other_triage(group: Group) -> None:
    group.deliver(alert("Slow", description="p99 is 2.4 s"))
    decision = group.deliver(alert("Slow", description="p99 is 12.1 s"), at=240)
    assert (decision.effect, decision.is_triaged) == ("updated", False)


def test_an_incident_is_resolved_when_its_last_alert_ends(group: Group) -> None:
    group.deliver(alert("Slow"), alert("Down"))
    assert group.deliver(alert("Down", ended=5), at=5).effect == "updated"
    assert group.statuses == [Status.OPEN]
    assert group.deliver(alert("Slow", ended=8), at=8).effect == "resolved"
    (tracked,) = group.incidents.values()
    assert tracked.incident.outcome.resolved_at == NOON + minutes(8)
    assert group.deliver(alert("Slow", ended=8), at=9).effect == "unchanged"


def test_a_firing_long_after_a_lost_end_is_a_new_incident(group: Group) -> None:
    first = group.deliver(alert("Stuck"))
    weeks = 5 * 7 * 24 * 60.0
    second = group.deliver(alert("Stuck", began=weeks), at=1)
    assert second.effect == "opened"
    assert second.incident.tracking.previous_id == first.incident.incident.report.id
    assert group.statuses == [Status.STALE, Status.OPEN]
    old = group.incidents[first.incident.incident.report.id].incident
    assert old.outcome.resolved_at is None


def test_another_alert_long_after_everything_known_is_a_new_incident(group: Group) -> None:
    group.deliver(alert("Stuck"))
    assert group.deliver(alert("Down", began=40 * 24 * 60), at=1).effect == "opened"
    assert group.statuses == [Status.STALE, Status.OPEN]


def test_an_alert_that_joins_what_fires_for_weeks_is_of_the_same_incident(group: Group) -> None:
    week = 7 * 24 * 60
    group.deliver(alert("Stuck"))
    for hours in range(4, 7 * 24, 4):
        group.deliver(alert("Stuck"), at=hours * 60)
    decision = group.deliver(alert("Stuck"), alert("Down", began=week), at=week)
    assert (decision.effect, len(group.incidents)) == ("updated", 1)
    decision = group.deliver(alert("Other", began=week + 60), at=week + 60)
    assert (decision.effect, len(group.incidents)) == ("updated", 1)


def test_a_stale_incident_is_open_again_once_its_alert_is_heard(group: Group) -> None:
    group.deliver(alert("Stuck"))
    ((name, tracked),) = group.incidents.items()
    outcome = replace(tracked.incident.outcome, status=Status.STALE)
    group.incidents[name] = replace(tracked, incident=replace(tracked.incident, outcome=outcome))
    assert group.deliver(alert("Stuck"), at=600).effect == "updated"
    assert group.statuses == [Status.OPEN]


def test_a_firing_after_the_end_is_a_new_incident_that_names_the_last(group: Group) -> None:
    group.deliver(alert("Stuck"))
    first = group.deliver(alert("Stuck", ended=20), at=20)
    second = group.deliver(alert("Stuck", began=60), at=60)
    assert second.effect == "opened"
    assert second.incident.tracking.previous_id == first.incident.incident.report.id
    assert second.incident.tracking.reopenings == 0


def test_flapping_is_one_incident_that_counts_its_reopenings(group: Group) -> None:
    for start in range(0, 30, 6):
        group.deliver(alert("Flaps", began=start), at=start)
        group.deliver(alert("Flaps", began=start, ended=start + 2), at=start + 2)
    (tracked,) = group.incidents.values()
    assert tracked.tracking.reopenings == 4
    assert group.statuses == [Status.RESOLVED]


def test_an_unknown_alert_soon_after_the_end_is_no_flapping(group: Group) -> None:
    group.deliver(alert("Slow"))
    group.deliver(alert("Slow", ended=5), at=5)
    assert group.deliver(alert("Down", began=8), at=8).effect == "opened"
    assert len(group.incidents) == 2


def resolve_by_hand(group: Group, at: float) -> None:
    ((name, tracked),) = group.incidents.items()
    outcome = replace(
        tracked.incident.outcome,
        status=Status.RESOLVED,
        resolution="Rolled back.",
        resolved_at=NOON + minutes(at),
    )
    group.incidents[name] = replace(tracked, incident=replace(tracked.incident, outcome=outcome))


def test_what_a_person_resolved_stays_resolved_while_its_alert_fires(group: Group) -> None:
    group.deliver(alert("Slow"))
    resolve_by_hand(group, 30)
    assert group.deliver(alert("Slow"), at=40).effect == "unchanged"
    assert group.statuses == [Status.RESOLVED]


def test_an_unknown_alert_after_a_person_resolved_it_opens_an_incident(group: Group) -> None:
    group.deliver(alert("Slow"))
    resolve_by_hand(group, 30)
    decision = group.deliver(alert("Slow"), alert("Down", "critical", began=29), at=31)
    assert decision.effect == "opened"
    assert decision.incident.incident.report.title == "Down is bad"
    assert [one.fingerprint for one in decision.incident.alerts] == ["Down"]


def test_what_a_person_wrote_is_not_overwritten(group: Group) -> None:
    group.deliver(alert("Slow"))
    ((name, tracked),) = group.incidents.items()
    group.incidents[name] = replace(
        tracked,
        incident=replace(
            tracked.incident, report=replace(tracked.incident.report, title="Checkout is down")
        ),
        tracking=replace(tracked.tracking, authors={"title": Author.PERSON}),
    )
    group.deliver(alert("Slow"), alert("Down", "critical", began=1), at=1)
    assert group.incidents[name].incident.report.title == "Checkout is down"
    assert group.incidents[name].incident.report.service == "down-service"


def test_late_news_of_an_earlier_firing_changes_nothing(group: Group) -> None:
    group.deliver(alert("Slow"))
    group.deliver(alert("Slow", ended=5), at=5)
    group.deliver(alert("Slow", began=60), at=60)
    for late in (alert("Slow"), alert("Slow", ended=5)):
        assert group.deliver(late, at=61).effect == "unchanged"
    assert group.statuses == [Status.RESOLVED, Status.OPEN]


def test_the_end_of_a_group_that_was_never_heard_of_opens_nothing(group: Group) -> None:
    decision = group.deliver(alert("Slow", ended=5), at=5)
    assert (decision.effect, decision.incident) == ("unchanged", None)


def test_a_firing_after_a_person_resolved_it_is_never_hidden(group: Group) -> None:
    group.deliver(alert("Slow"))
    group.deliver(alert("Slow", ended=30), at=30)
    resolve_by_hand(group, 30)
    decision = group.deliver(alert("Slow", began=35), at=35)
    assert decision.effect == "opened"
    assert group.statuses == [Status.RESOLVED, Status.OPEN]


def test_a_stale_incident_is_left_alone_once_a_later_one_came(group: Group) -> None:
    group.deliver(alert("Stuck"))
    week = 7 * 24 * 60.0
    group.deliver(alert("Stuck", began=week), at=week)
    for _ in range(2):
        group.deliver(alert("Stuck", began=week, ended=week + 30), at=week + 30)
    assert group.statuses == [Status.STALE, Status.RESOLVED]
    again = group.deliver(alert("Stuck", began=week + 33), at=week + 33)
    assert (again.incident.tracking.reopenings, len(group.incidents)) == (1, 2)


def test_what_another_source_wrote_into_the_report_is_kept(group: Group) -> None:
    group.deliver(alert("Slow"))
    ((name, tracked),) = group.incidents.items()
    report = tracked.incident.report
    attributes = {**report.attributes, "ticket": "OPS-12"}
    changed = replace(report, title="Checkout is down", attributes=attributes)
    group.incidents[name] = replace(tracked, incident=replace(tracked.incident, report=changed))
    group.deliver(alert("Slow"), alert("Down", "critical", began=1), at=1)
    report = group.incidents[name].incident.report
    assert (report.title, report.service) == ("Checkout is down", "down-service")
    assert report.attributes["ticket"] == "OPS-12"


def test_an_attribute_that_a_person_erased_stays_erased(group: Group) -> None:
    group.deliver(alert("Slow", dashboard="https://d/1"))
    ((name, tracked),) = group.incidents.items()
    report = tracked.incident.report
    attributes = {key: value for key, value in report.attributes.items() if key != "dashboard"}
    group.incidents[name] = replace(
        tracked,
        incident=replace(tracked.incident, report=replace(report, attributes=attributes)),
        tracking=replace(tracked.tracking, authors={"attributes.dashboard": Author.PERSON}),
    )
    group.deliver(alert("Slow", dashboard="https://d/1"), alert("Down", began=1), at=1)
    assert "dashboard" not in group.incidents[name].incident.report.attributes


def test_each_member_of_a_cluster_has_its_own_address(group: Group) -> None:
    for member, at in (("a", 0), ("b", 0.1), ("a", 240), ("b", 240.1)):
        url = f"http://prometheus-{member}/graph"
        decision = group.deliver(replace(alert("Slow"), generator_url=url), at=at)
        assert decision.effect == ("unchanged" if at else "opened")


def test_an_end_before_the_beginning_still_ends_the_alert(group: Group) -> None:
    group.deliver(alert("Slow"))
    assert group.deliver(alert("Slow", ended=-1), at=2).effect == "resolved"


def test_what_a_person_resolved_does_not_join_the_next_incident(group: Group) -> None:
    group.deliver(alert("Slow"))
    resolve_by_hand(group, 30)
    for _ in range(2):
        decision = group.deliver(alert("Slow"), alert("Down", began=29), at=31)
    assert [one.fingerprint for one in decision.incident.alerts] == ["Down"]


def test_an_alert_that_ended_and_fires_again_joins_the_open_incident(group: Group) -> None:
    group.deliver(alert("Slow"))
    group.deliver(alert("Slow", ended=20), at=20)
    group.deliver(alert("Down", began=40), at=40)
    decision = group.deliver(alert("Slow"), alert("Down", began=40), at=41)
    assert [one.fingerprint for one in decision.incident.alerts] == ["Down", "Slow"]

"""What lies around an incident: which changes and series are named, in which order, and why."""

from datetime import UTC, datetime, timedelta
from time import process_time

import pytest

from features.domain.report import IncidentReport
from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly
from features.domain.telemetry.topology import NO_TOPOLOGY, Topology
from features.store.store import Store
from serving.services import incident_context
from serving.services.context_ranking import MOST_SHOWN, ServiceNeighbourhood, rank_changes
from serving.services.incident_context import IncidentContext, IncidentContextService

OPENED_AT = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
SHOP = Topology(
    {"web": ["checkout"], "checkout": ["payments", "stock"], "payments": ["bank"]},
    {"payments": ["pay-svc"]},
)


def ago(minutes: float) -> datetime:
    return OPENED_AT - timedelta(minutes=minutes)


def change(name: str, service: str | None, minutes_before: float) -> Change:
    return Change(name, service, ago(minutes_before), "deploy", f"{name} 4.2", "https://ci/1")


def anomaly(
    name: str, service: str | None, minutes_before: float, lasts: float | None = 20, **facts: float
) -> SeriesAnomaly:
    onset_at = ago(minutes_before)
    return SeriesAnomaly(
        id=name,
        series=f"errors {name}",
        service=service,
        labels={},
        unit="1/s",
        onset_at=onset_at,
        detected_at=onset_at,
        ended_at=None if lasts is None else onset_at + timedelta(minutes=lasts),
        **({"effect": 3.0, "expected": 1.0, "value": 4.0} | {"score": 30.0, "alarms_per_week": 0.1})
        | facts,
        channel="level",
        direction="up",
    )


def report(service: str | None = "checkout", opened_at: datetime | None = OPENED_AT):
    return IncidentReport("INC1", opened_at, "errors", service=service)


def around(store: Store, given: IncidentReport, topology: Topology = SHOP) -> IncidentContext:
    return IncidentContextService(store, lambda: topology).context_of(given)


def ids(found: tuple) -> list[str]:
    return [nearby.id for nearby in found]


def test_where_nothing_is_recorded_the_reasons_are_given(store):
    context = around(store, report())
    assert (context.changes, context.anomalies) == (None, None)
    assert context.absent["anomalies"].startswith("no telemetry is watched")
    assert context.absent["changes"].startswith("no change was recorded")


def test_only_what_is_recorded_is_answered(store):
    store.changes.record([change("far", "mail", 5)])
    context = around(store, report())
    assert (context.changes, context.anomalies) == ((), None)
    assert context.absent.keys() == {"anomalies"}


def test_changes_of_the_day_before_on_the_service_and_its_neighbours(store):
    store.changes.record(
        [
            change("own", "Checkout", 60),
            change("too early", "checkout", 24 * 60 + 1),
            change("later", "checkout", -1),
            change("used", "pay-svc", 60),
            change("using", "WEB", 60),
            change("two steps away", "bank", 60),
            change("elsewhere", "mail", 1),
            change("nowhere", None, 1),
        ]
    )
    changes = around(store, report()).changes
    assert ids(changes) == ["own", "used", "using"]
    assert [nearby.why for nearby in changes] == [
        ("same service", "60 min before it opened"),
        ("checkout depends on payments", "60 min before it opened"),
        ("web depends on checkout", "60 min before it opened"),
    ]
    assert ids(around(store, report(), NO_TOPOLOGY).changes) == ["own"]


def test_a_change_counts_the_more_the_shorter_it_came_before(store):
    store.changes.record(
        [
            change("hours", "checkout", 300),
            change("min", "checkout", 5),
            change("pay", "payments", 8),
        ]
    )
    assert ids(around(store, report()).changes) == ["min", "pay", "hours"]


def test_a_change_is_held_against_the_onset_not_the_opening(store):
    store.changes.record([change("before", "checkout", 35), change("between", "checkout", 10)])
    store.anomalies.record([anomaly("a", "checkout", 32)])
    first, second = around(store, report()).changes
    assert (first.id, second.id) == ("before", "between")
    assert first.why == ("same service", "3 min before the onset of errors a")
    assert second.why == ("same service", "22 min after the onset of errors a")


def test_a_change_whose_own_service_moved_after_it_leads(store):
    store.changes.record([change("own", "checkout", 9), change("used", "payments", 12)])
    store.anomalies.record([anomaly("bank", "pay-svc", 11)])
    first = around(store, report()).changes[0]
    assert first.id == "used"
    assert first.why[1] == "1 min before the onset of errors bank"


def test_a_weak_anomaly_is_no_onset(store):
    store.changes.record([change("own", "checkout", 9)])
    store.anomalies.record([anomaly("a", "checkout", 30, alarms_per_week=5.0)])
    assert around(store, report()).changes[0].why[1] == "9 min before it opened"


def test_series_around_the_opening_by_service_onset_and_strength(store):
    store.anomalies.record(
        [
            anomaly("elsewhere", "mail", 5, score=60),
            anomaly("over", "checkout", 180, lasts=10),
            anomaly("still on", "checkout", 180, lasts=None),
            anomaly("weak", "checkout", 8, score=8),
            anomaly("strong", "checkout", 8, score=50),
            anomaly("used", "payments", 8, score=50),
            anomaly("after", "checkout", -20),
            anomaly("long after", "checkout", -40),
        ]
    )
    anomalies = around(store, report()).anomalies
    assert ids(anomalies)[:3] == ["strong", "weak", "used"]
    assert set(ids(anomalies)[3:]) == {"elsewhere", "still on", "after"}
    by_id = {nearby.id: nearby.why for nearby in anomalies}
    assert by_id["used"] == ("checkout depends on payments", "began 8 min before it opened")
    assert by_id["elsewhere"] == ("began 5 min before it opened",)
    assert by_id["after"] == ("same service", "began 20 min after it opened")


def test_without_a_service_everything_shortly_before_is_named(store):
    store.changes.record([change("early", "mail", 400), change("late", "payments", 4)])
    store.anomalies.record([anomaly("a", "payments", 3)])
    context = around(store, report(service=None))
    assert ids(context.changes) == ["late", "early"]
    assert context.changes[0].why == ("1 min before the onset of errors a",)
    assert ids(context.anomalies) == ["a"]


def test_without_a_time_it_is_now(store):
    recent = Change("c", "checkout", datetime.now(UTC) - timedelta(hours=1), "deploy", "4.2")
    store.changes.record([recent, change("long ago", "checkout", 5)])
    assert ids(around(store, report(opened_at=None)).changes) == ["c"]


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar(store, year):
    store.changes.record([change("c", "checkout", 5)])
    store.anomalies.record([anomaly("a", "checkout", 5)])
    edge = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 23, 59, tzinfo=UTC)
    assert around(store, report(opened_at=edge)).changes == ()


def test_a_batch_is_answered_like_each_alone(store):
    services = ["checkout", "payments", None, "mail"]
    store.changes.record([change(f"c{n}", services[n % 4] or "web", n * 90) for n in range(40)])
    store.anomalies.record(
        [anomaly(f"a{n}", services[n % 3], n * 50, None if n == 3 else 25) for n in range(40)]
    )
    service = IncidentContextService(store, lambda: SHOP)
    reports = [IncidentReport(f"INC{n}", ago(n * 100), service=services[n % 4]) for n in range(12)]
    assert service.contexts_for(reports) == tuple(
        service.context_of(incident) for incident in reports
    )
    assert any(context.changes and context.anomalies for context in service.contexts_for(reports))


def test_a_change_is_held_against_the_first_onset_on_its_service_that_came_with_it(store):
    store.changes.record([change("c", "checkout", 60)])
    minutes_ago = {"before": 66, "with": 64, "after": 30}
    store.anomalies.record([anomaly(id_, "checkout", ago) for id_, ago in minutes_ago.items()])
    (nearby,) = around(store, report(service=None)).changes
    assert nearby.why == ("4 min after the onset of errors with",)


def test_a_busy_day_costs_little_though_no_service_is_named():
    day = 24 * 60 / 2_000
    changes = [change(f"c{n}", f"s{n % 50}", n * day) for n in range(2_000)][::-1]
    anomalies = [anomaly(f"a{n}", f"s{n % 50}", n * day, None) for n in range(2_000)][::-1]
    nearby, started = ServiceNeighbourhood((), NO_TOPOLOGY), process_time()
    assert len(rank_changes(changes, anomalies, nearby, OPENED_AT)) == MOST_SHOWN
    assert process_time() - started < 0.2


def test_of_very_many_changes_the_latest_are_weighed(store, monkeypatch):
    monkeypatch.setattr(incident_context, "MOST_WEIGHED", 3)
    changes = [change(f"c{n}", ("mail", "checkout")[n % 2], 10 + n) for n in range(8)]
    store.changes.record(changes)
    store.anomalies.record([anomaly("a", "checkout", 14)])
    assert set(ids(around(store, report(service=None)).changes)) == {"c0", "c1", "c2"}
    assert set(ids(around(store, report()).changes)) == {"c1", "c3", "c5"}


def test_what_is_not_asked_for_is_not_looked_up(store, monkeypatch):
    monkeypatch.setattr(type(store.telemetry), "recorded", lambda _: 1 / 0)
    service = IncidentContextService(store, lambda: SHOP)
    assert service.contexts_for([report()], ["category"]) == (IncidentContext(),)


def test_triage_tells_of_both_and_keeps_its_stored_answers_as_they_were(client, store):
    incident = {"id": "INC1", "title": "vpn", "service": "checkout"}
    incident |= {"opened_at": OPENED_AT.isoformat()}
    client.post(
        "/v1/changes",
        json={"id": "c1", "service": "checkout", "at": ago(4).isoformat()}
        | {"kind": "deploy", "summary": "checkout 4.2", "url": None},
    )
    store.anomalies.record([anomaly("a", "checkout", 2, effect=float("nan"))])
    answer = client.post("/v1/triage", json={"incident": incident}).json()
    assert answer["changes"] == [
        {
            "id": "c1",
            "service": "checkout",
            "at": "2026-03-02T14:06:00Z",
            "kind": "deploy",
            "summary": "checkout 4.2",
            "url": None,
            "why": ["same service", "2 min before the onset of errors a"],
        }
    ]
    (moved,) = answer["anomalies"]
    assert (moved["onset_at"], moved["effect"], moved["unit"]) == (
        "2026-03-02T14:08:00Z",
        None,
        "1/s",
    )
    assert not {"anomalies", "changes"} & answer["absent"].keys()
    stored = store.predictions.get(answer["prediction_id"])
    assert {record.target for record in stored} == {"category", "fields.subcategory", "severity"}
    body = {"incidents": [incident, {"title": "x"}, 7], "include": ["changes"]}
    first, second, third = client.post("/v1/triage/batch", json=body).json()["results"]
    assert first["triage"]["changes"] == answer["changes"]
    assert "anomalies" not in first["triage"]
    assert (second["triage"]["changes"], third["status"]) == ([], 422)

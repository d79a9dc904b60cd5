"""`POST /hooks/alertmanager`: groups of alerts become incidents, once each, and are resolved."""

import copy
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes import wait_until_triaged
from real_world_cases import CASES, needs_cases
from starlette.testclient import TestClient

from features.domain.report import Outcome, ResolvedIncident, Status
from features.domain.runbook import Runbook, Section, SectionRole
from features.errors import StoreUnavailable
from features.store.incidents.incident_search import InboxQuery
from features.text.resolutions import named_fix

FIRING = {
    "version": "4",
    "groupKey": '{}/{severity="critical"}:{alertname="HighErrorRate"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "precedent",
    "groupLabels": {"alertname": "HighErrorRate"},
    "commonLabels": {"alertname": "HighErrorRate", "job": "scrape", "service": "checkout"},
    "commonAnnotations": {
        "summary": "Errors at the checkout",
        "runbook_url": "https://wiki.example/runbooks/checkout/errors.md",
        "dashboard": "https://grafana.example/d/1",
    },
    "externalURL": "http://alertmanager.example:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrorRate", "service": "checkout", "instance": instance},
            "annotations": {"summary": "Errors at the checkout", "description": f"{instance} 5%"},
            "startsAt": starts_at,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
            "fingerprint": fingerprint,
        }
        for instance, starts_at, fingerprint in (
            ("a:9100", "2026-03-02T14:05:00.123456789Z", "c6eadffa33fcdf37"),
            ("b:9100", "2026-03-02T15:04:00+01:00", "8ef9c3129ca15198"),
        )
    ],
}
OPENED_AT = datetime(2026, 3, 2, 14, 4, tzinfo=UTC)
ENDED_AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def firing(starts_at=None, **changed):
    body = copy.deepcopy(FIRING | changed)
    for alert in body["alerts"] if starts_at else ():
        alert["startsAt"] = starts_at
    return body


def resolved(ends_at="2026-03-02T14:30:00Z", **changed):
    body = firing(status="resolved", **changed)
    for alert in body["alerts"]:
        alert |= {"status": "resolved", "endsAt": ends_at}
    return body


def tell(client, body):
    response = client.post("/hooks/alertmanager", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def all_predictions(store, incident_id):
    wait_until_triaged(store)
    return store.predictions.about(incident_id)


def test_a_firing_group_becomes_one_incident_that_is_answered(client, store):
    answer = tell(client, FIRING)
    assert (answer["effect"], answer["queued"]) == ("opened", True)
    assert answer["prediction_id"] is None
    incident = store.incidents.get(answer["incident_id"])
    report = incident.report
    assert incident.outcome.is_open
    assert (report.title, report.service, report.source) == (
        "Errors at the checkout",
        "checkout",
        "alertmanager",
    )
    assert report.description == "b:9100 5%\na:9100 5%"
    assert report.opened_at == OPENED_AT
    records = all_predictions(store, report.id)
    assert {record.request_id for record in records} == {answer["request_id"]}
    assert {record.target for record in records} >= {"category", "severity"}


def test_alerts_without_a_name_or_a_summary_are_called_alert(client, store):
    alert = FIRING["alerts"][0] | {"labels": {"service": "checkout"}, "annotations": {}}
    nameless = {"commonLabels": {"service": "checkout"}, "commonAnnotations": {}, "groupLabels": {}}
    answer = tell(client, firing(alerts=[alert], **nameless))
    assert store.incidents.get(answer["incident_id"]).report.title == "Alert"


def test_a_status_may_be_written_in_capitals(client, store):
    answer = tell(client, firing(status="FIRING"))
    assert answer["effect"] == "opened"
    assert tell(client, resolved() | {"status": "Resolved"})["effect"] == "resolved"


def test_labels_annotations_and_unknown_fields_become_attributes(client, store):
    alerts = [FIRING["alerts"][0] | {"silenceURL": "http://silence.example"}]
    answer = tell(client, firing(alerts=alerts, orgId=1, muted={"by": ["x"]}))
    attributes = store.incidents.get(answer["incident_id"]).report.attributes
    assert attributes == attributes | {
        "alertname": "HighErrorRate",
        "service": "checkout",
        "instance": "a:9100",
        "runbook_url": "https://wiki.example/runbooks/checkout/errors.md",
        "dashboard": "https://grafana.example/d/1",
        "receiver": "precedent",
        "silenceURL": "http://silence.example",
        "orgId": "1",
        "muted": '{"by": ["x"]}',
        "externalURL": "http://alertmanager.example:9093",
    }


def test_each_alert_keeps_the_addresses_beside_its_labels(client, store):
    alerts = [
        alert | {"silenceURL": f"http://silence.example/{number}", "valueString": "[ 5 ]"}
        for number, alert in enumerate(FIRING["alerts"])
    ]
    answer = tell(client, firing(alerts=alerts))
    kept = store.tracked.get(answer["incident_id"]).alerts
    assert [alert.annotations["silenceURL"][-2:] for alert in kept] == [
        f"/{number}" for number in range(len(alerts))
    ]
    assert all("valueString" not in alert.annotations for alert in kept)


def test_the_runbook_that_it_names_is_the_one_that_is_suggested(app_of, registry, store):
    steps = (Section("Steps", "Restart it.", SectionRole.MITIGATION),)
    store.runbooks.replace_all(
        [Runbook(name, name, steps) for name in ("checkout/latency", "checkout/errors", "mail/x")]
    )
    with TestClient(app_of(registry)) as client:
        answer = tell(client, FIRING)
        records = all_predictions(store, answer["incident_id"])
    (prediction,) = (record for record in records if record.target == "runbooks")
    assert prediction.answer["runbooks"][0]["id"] == "checkout/errors"


def test_labels_that_differ_are_all_named_and_a_label_goes_before_an_annotation(client, store):
    answer = tell(client, firing(commonAnnotations={"job": "of an annotation"}))
    attributes = store.incidents.get(answer["incident_id"]).report.attributes
    assert (attributes["instance"], attributes["job"]) == ("b:9100, a:9100", "scrape")


def test_a_repeated_delivery_changes_nothing(client, store):
    answer = tell(client, FIRING)
    before = (store.incidents.revision(), all_predictions(store, answer["incident_id"]))
    again = tell(client, FIRING)
    assert (again["effect"], again["incident_id"]) == ("unchanged", answer["incident_id"])
    assert (store.incidents.revision(), all_predictions(store, answer["incident_id"])) == before
    assert store.incidents.count() == 1


def test_an_alert_that_joins_or_leaves_the_group_opens_no_other_incident(client, store):
    answer = tell(client, FIRING)
    later = tell(client, firing(alerts=FIRING["alerts"][:1]))
    earlier = tell(client, firing(starts_at="2026-03-02T13:00:00Z"))
    assert later["incident_id"] == earlier["incident_id"] == answer["incident_id"]
    assert store.incidents.count() == 1


def test_a_resolved_group_resolves_it(client, store):
    answer = tell(client, FIRING)
    report = store.incidents.get(answer["incident_id"]).report
    over = tell(client, resolved())
    assert (over["effect"], over["incident_id"]) == ("resolved", answer["incident_id"])
    incident = store.incidents.get(answer["incident_id"])
    assert incident == ResolvedIncident(
        report,
        Outcome(
            resolution="resolved by alertmanager", resolved_at=ENDED_AT, status=Status.RESOLVED
        ),
    )
    assert not incident.outcome.is_open
    assert store.inbox.page(InboxQuery(state="open")).incidents == ()
    assert named_fix(incident.outcome.resolution) is None
    revision = store.incidents.revision()
    assert tell(client, resolved())["effect"] == "unchanged"
    assert store.incidents.revision() == revision


def test_what_fires_again_since_the_same_time_is_opened_again(client, store):
    answer = tell(client, FIRING)
    opened = store.incidents.get(answer["incident_id"])
    tell(client, resolved())
    again = tell(client, FIRING)
    assert (again["effect"], again["incident_id"]) == ("opened", answer["incident_id"])
    assert again["queued"]
    assert store.incidents.get(answer["incident_id"]) == opened
    assert [
        incident.report.id for incident in store.inbox.page(InboxQuery(state="open")).incidents
    ] == [answer["incident_id"]]
    assert tell(client, FIRING)["effect"] == "unchanged"
    assert tell(client, resolved())["effect"] == "resolved"
    assert store.incidents.count() == 1


def test_opened_again_it_keeps_what_people_said(client, store):
    answer = tell(client, FIRING)
    tell(client, resolved())
    over = store.incidents.get(answer["incident_id"])
    labelled = replace(over.outcome, category="Payments", severity="high")
    store.incidents.upsert([ResolvedIncident(over.report, labelled)])
    assert tell(client, FIRING)["effect"] == "opened"
    outcome = store.incidents.get(answer["incident_id"]).outcome
    assert outcome == Outcome(category="Payments", severity="high", status=Status.OPEN)


def test_what_a_person_resolved_stays_so_while_it_goes_on_firing(client, store):
    answer = tell(client, FIRING)
    report = store.incidents.get(answer["incident_id"]).report
    by_hand = Outcome(resolution="Rolled back release 4.2.", resolved_at=ENDED_AT)
    store.incidents.upsert([ResolvedIncident(report, by_hand)])
    for body in (FIRING, firing(alerts=FIRING["alerts"][:1])):
        again = tell(client, body)
        assert (again["effect"], again["incident_id"]) == ("unchanged", answer["incident_id"])
    assert store.incidents.get(answer["incident_id"]).outcome == by_hand


def test_what_is_left_of_a_group_and_comes_late_is_the_same_incident(client, store):
    answer = tell(client, FIRING)
    later, first = copy.deepcopy(FIRING["alerts"])
    part = firing(alerts=[later, first | {"status": "resolved", "endsAt": "2026-03-02T14:20:00Z"}])
    assert tell(client, part)["effect"] == "updated"
    tell(client, resolved(alerts=[later]))
    late = tell(client, part)
    assert (late["effect"], late["incident_id"]) == ("opened", answer["incident_id"])
    assert tell(client, resolved(alerts=[later]))["incident_id"] == answer["incident_id"]
    assert store.incidents.count() == 1
    assert not store.incidents.get(answer["incident_id"]).outcome.is_open


def test_late_word_of_an_earlier_episode_leaves_the_one_that_is_open(client, store):
    tell(client, FIRING)
    tell(client, resolved())
    second = tell(client, firing(starts_at="2026-03-02T18:00:00Z"))
    late = tell(client, FIRING)
    assert (late["effect"], late["incident_id"]) == ("unchanged", second["incident_id"])
    assert store.incidents.count() == 2


def test_word_that_comes_in_the_wrong_order_opens(client, store):
    assert tell(client, resolved())["effect"] == "unchanged"
    answer = tell(client, FIRING)
    assert answer["effect"] == "opened"
    assert store.incidents.get(answer["incident_id"]).outcome.is_open


def test_what_was_learned_meanwhile_is_kept(client, store):
    answer = tell(client, FIRING)
    report = store.incidents.get(answer["incident_id"]).report
    learned = Outcome(category="Payments", resolution="Rolled back release 4.2.")
    store.incidents.upsert([ResolvedIncident(report, learned)])
    assert tell(client, resolved())["effect"] == "resolved"
    outcome = store.incidents.get(answer["incident_id"]).outcome
    assert (outcome.category, outcome.resolution) == ("Payments", "Rolled back release 4.2.")
    assert outcome.resolved_at == ENDED_AT


def test_a_later_episode_is_an_incident_of_its_own(client, store):
    first = tell(client, FIRING)
    tell(client, resolved())
    second = tell(client, firing(starts_at="2026-03-02T18:00:00Z"))
    assert second["effect"] == "opened"
    assert second["incident_id"] != first["incident_id"]
    # One that is told late of the first episode's end must not end the second.
    assert tell(client, resolved())["effect"] == "unchanged"
    assert store.incidents.get(second["incident_id"]).outcome.is_open


def test_groups_are_told_apart_by_their_key(client, store):
    one, other = tell(client, FIRING), tell(client, firing(groupKey="{}:{}"))
    assert one["incident_id"] != other["incident_id"]
    tell(client, resolved())
    assert store.incidents.get(other["incident_id"]).outcome.is_open


def test_what_was_never_opened_is_not_resolved(client, store):
    answer = tell(client, resolved())
    assert (answer["effect"], answer["incident_id"]) == ("unchanged", None)
    assert store.incidents.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"alerts": [{}]},
        {"groupKey": "g"},
        {"groupKey": "g", "alerts": None, "commonLabels": None, "status": None},
        {"alerts": [{"labels": {"alertname": "Down", "severity": 3, "none": None}}]},
        {"alerts": [{"startsAt": "", "endsAt": "0001-01-01T00:00:00Z"}], "x": {"y": [None, 1.5]}},
        {"alerts": [{"annotations": {"summary": "nul \x00 and \x1b[31m"}}], "": "no name"},
        {"alerts": [{"annotations": {"summary": "x" * 300_000}, "labels": {"l": "y" * 300_000}}]},
    ],
)
def test_what_is_missing_or_odd_is_tolerated(client, store, body):
    answer = tell(client, body)
    assert answer["effect"] == "opened"
    report = store.incidents.get(answer["incident_id"]).report
    assert report.title
    assert report.opened_at is not None
    assert tell(client, body)["effect"] == "unchanged"


UNCLEAR = (
    ([], ""),
    ({}, ""),
    ({"alerts": {}}, "alerts"),
    ({"alerts": [7]}, "alerts.0"),
    ({"alerts": [{"labels": ["x"]}]}, "alerts.0.labels"),
    ({"alerts": [{"startsAt": "noon"}]}, "alerts.0.startsAt"),
    ({"alerts": [{}], "status": "smouldering"}, "status"),
)


def test_what_cannot_be_meant_is_refused_by_name(client, store):
    for body, path in UNCLEAR:
        response = client.post("/hooks/alertmanager", json=body)
        assert response.status_code == 422, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert path in {error["path"] for error in response.json()["errors"]}
        assert store.incidents.count() == 0


DEEP = '{"a": [' * 400 + "1" + "]}" * 400
REPEATED = '{"a": 1, "a": 1}'


@pytest.mark.parametrize("value", [DEEP, REPEATED])
@pytest.mark.parametrize(
    "body",
    [
        '{"groupKey": "g", "unknown": %s}',
        '{"groupKey": %s}',
        '{"alerts": [{"labels": {"l": %s}}]}',
        '{"alerts": [{"unknown": %s}]}',
    ],
)
def test_values_that_cannot_be_kept_are_refused(client, store, body, value):
    headers = {"Content-Type": "application/json"}
    response = client.post("/hooks/alertmanager", content=body % value, headers=headers)
    assert response.status_code in {400, 422}, response.text
    assert store.incidents.count() == 0


def test_no_json_is_a_problem(client):
    headers = {"Content-Type": "application/json"}
    response = client.post("/hooks/alertmanager", content=b"\xff{", headers=headers)
    assert response.status_code == 400


def test_its_texts_are_masked(client, store):
    annotations = {"summary": "mail ana@example.com", "note": "password=hunter22"}
    answer = tell(client, firing(commonAnnotations=annotations, alerts=[]))
    report = store.incidents.get(answer["incident_id"]).report
    assert report.title == "mail <email>"
    assert "hunter22" not in json.dumps(dict(report.attributes))


def test_the_key_is_asked_for(app_of, trained_registry):
    with TestClient(app_of(trained_registry, api_key="k" * 16)) as client:
        for path in ("/hooks/alertmanager", "/v1/changes"):
            assert client.post(path, json=FIRING).status_code == 401
        bearer = {"Authorization": f"Bearer {'k' * 16}"}
        assert client.post("/hooks/alertmanager", json=FIRING, headers=bearer).status_code == 200


def test_a_slow_triage_does_not_keep_alertmanager_waiting(client, store, monkeypatch):
    service = client.app.state.container.triage
    answer, may_go_on, answered = service.triage, threading.Event(), []

    def slow(*reports, **asked):
        may_go_on.wait(60)
        answered.append(reports)
        return answer(*reports, **asked)

    monkeypatch.setattr(service, "triage", slow)
    opened = tell(client, FIRING)
    assert answered == []
    may_go_on.set()
    assert all_predictions(store, opened["incident_id"])


def test_what_waits_when_the_service_stops_is_triaged_after_its_start(
    app_of, trained_registry, store
):
    app = app_of(trained_registry)
    opened = tell(TestClient(app), FIRING)  # without its background tasks
    assert store.triage_queue.count() == 1
    with TestClient(app_of(trained_registry)):
        assert all_predictions(store, opened["incident_id"])


def test_an_alert_is_kept_and_answered_once_the_triage_works_again(
    client, store, monkeypatch, caplog
):
    service = client.app.state.container.triage
    answer, failures = service.triage, iter([StoreUnavailable("busy"), ZeroDivisionError("why")])

    def fail_twice(*reports, **asked):
        for error in failures:
            raise error
        return answer(*reports, **asked)

    monkeypatch.setattr(service, "triage", fail_twice)
    opened = tell(client, FIRING)
    assert store.incidents.get(opened["incident_id"]) is not None
    assert all_predictions(store, opened["incident_id"])
    reasons = [record.fields["reason"] for record in caplog.records if record.exc_info]
    assert reasons == ["busy", "why"]
    assert caplog.records[0].fields["request_id"] == opened["request_id"]


def test_deliveries_that_wait_for_a_busy_store_do_not_wait_for_a_second_time_limit(
    client, store, monkeypatch
):
    began, goes_on, calls = threading.Event(), threading.Event(), []

    def fail(groups):
        calls.append(len(groups))
        began.set()
        goes_on.wait(10)
        raise StoreUnavailable("busy")

    monkeypatch.setattr(store.tracked, "revise_groups", fail)
    waiting = client.app.state.container.alerts._waiting
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.post, "/hooks/alertmanager", json=FIRING)]
        assert began.wait(10)
        answers += [pool.submit(client.post, "/hooks/alertmanager", json=FIRING) for _ in range(2)]
        while len(waiting) < 2:
            time.sleep(0.01)
        goes_on.set()
        statuses = [answer.result().status_code for answer in answers]
    assert (statuses, calls) == ([503] * 3, [1])


def test_the_incident_stands_in_the_inbox_and_on_its_page(client, store):
    answer = tell(client, FIRING)
    assert "Errors at the checkout" in client.get("/").text
    wait_until_triaged(store)
    page = client.get(f"/incidents/{answer['incident_id']}")
    assert "Network" in page.text or "Other" in page.text
    tell(client, resolved())
    assert "resolved by alertmanager" in client.get(f"/incidents/{answer['incident_id']}").text


def read_case(name, file="1.json"):
    return json.loads((CASES / name / file).read_text())


@needs_cases
def test_case_01_an_alert_joins_a_firing_group(client, store):
    first = tell(client, read_case("01-alert-joins-firing-group"))
    second = tell(client, read_case("01-alert-joins-firing-group", "2.json"))
    assert (second["effect"], second["queued"]) == ("updated", True)
    tracked = store.tracked.get(first["incident_id"])
    assert tracked.incident.report.title == "basket database does not answer"
    assert tracked.incident.report.service == "basket-db"
    assert tracked.tracking.peak_severity == "critical"
    assert len(tracked.alerts) == 2


@needs_cases
def test_case_02_a_resolved_alert_does_not_lead(client, store):
    answer = tell(client, read_case("02-resolved-alert-gives-title"))
    report = store.incidents.get(answer["incident_id"]).report
    assert (report.title, report.description) == (
        "certificate of n7 has expired",
        "clients refuse it",
    )
    assert "runbook_url" not in report.attributes
    assert report.attributes["severity"] == "critical"


@needs_cases
def test_case_03_each_named_service_is_searched_for_changes(client, store):
    name = "03-several-services-in-a-group"
    change = read_case(name, "change.json")
    for service in ("basket", "search"):
        body = change | {"id": f"deploy-{service}", "service": service}
        assert client.post("/v1/changes", json=body).status_code == 200
    answer = tell(client, read_case(name))
    report = store.incidents.get(answer["incident_id"]).report
    assert report.service == "basket"
    found = client.get(f"/v1/incidents/{report.id}").json()
    assert [change["id"] for change in found["changes"]] == ["deploy-basket", "deploy-search"]
    assert [alert["state"] for alert in found["alerts"]] == ["firing", "firing"]


@needs_cases
def test_case_04_an_outage_after_a_lost_end_is_an_incident_of_its_own(client, store):
    name = "04-new-outage-after-lost-resolve"
    first, second = tell(client, read_case(name)), tell(client, read_case(name, "2.json"))
    assert (second["effect"], second["queued"]) == ("opened", True)
    assert store.incidents.get(first["incident_id"]).outcome.status is Status.STALE
    tracked = store.tracked.get(second["incident_id"])
    assert tracked.tracking.previous_id == first["incident_id"]


def test_a_delivery_that_cannot_be_written_does_not_fail_others(client, store, monkeypatch):
    tracked = type(store.tracked)
    write = tracked.revise_groups

    def fail_together(self, decisions):
        if len(decisions) > 1:
            raise ZeroDivisionError("one of them")
        return write(self, decisions)

    monkeypatch.setattr(tracked, "revise_groups", fail_together)
    bodies = [firing(groupKey=f"g{number}") for number in range(20)]
    with ThreadPoolExecutor(10) as pool:
        effects = [answer["effect"] for answer in pool.map(lambda body: tell(client, body), bodies)]
    assert effects == ["opened"] * 20


def test_an_alert_that_begins_in_the_far_future_began_when_it_arrived(client, store):
    first = tell(client, firing(starts_at="9999-12-31T23:59:59Z"))
    report = store.incidents.get(first["incident_id"]).report
    assert abs(report.opened_at - datetime.now(UTC)).total_seconds() < 60
    assert tell(client, FIRING)["incident_id"] == first["incident_id"]


def test_a_label_whose_name_says_that_it_is_secret_is_masked(client, store):
    labels = {"alertname": "Down", "db_password": "hunter2secret", "pod": "-"}
    alerts = [{"labels": labels, "fingerprint": "ghp_" + "a1B2" * 9}]
    answer = tell(client, {"groupKey": "g", "alerts": alerts})
    (stored,) = store.tracked.get(answer["incident_id"]).alerts
    assert stored.labels == labels | {"db_password": "<password>"}
    assert "a1B2a1B2" not in stored.fingerprint

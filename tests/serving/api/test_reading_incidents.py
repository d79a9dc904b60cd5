"""Reading incidents and stored answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories import NOON, incident
from starlette.testclient import TestClient

from features.domain.alerts.alert import Alert
from features.domain.modes import Mode, ModeSetting
from features.domain.report import Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident, Tracking
from features.store.incidents.incident_revisions import Revision

ALERTS = tuple(
    Alert(name, {"alertname": "Down"}, {"summary": "down"}, is_firing=name == "f1", began_at=NOON)
    for name in ("f1", "f2")
)


def write(store: Any, *tracked: TrackedIncident) -> None:
    for one in tracked:
        revision = Revision((one,), Author.SOURCE, NOON)
        store.tracked.revise(one.incident.report.id, lambda _, written=revision: written)


def stale(incident_id: str) -> ResolvedIncident:
    opened = incident(incident_id, "quiet", opened_at=NOON - timedelta(hours=5))
    return ResolvedIncident(opened.report, Outcome(status=Status.STALE))


@pytest.fixture
def listed(store):
    write(
        store,
        TrackedIncident(incident("open", "vpn down", service="vpn"), Tracking(), ALERTS),
        TrackedIncident(incident("closed", "mail", category="Mail", opened_at=NOON - timedelta(1))),
        TrackedIncident(stale("stale")),
        TrackedIncident(incident("undated", "vpn", opened_at=None)),
    )


def ids(client: Any, **params: Any) -> list[str]:
    answer = client.get("/v1/incidents", params=params)
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json()["incidents"]]


FILTERS = (
    ({}, ["open", "stale", "closed", "undated"]),
    ({"status": "open"}, ["open", "undated"]),
    ({"status": "stale"}, ["stale"]),
    ({"status": "resolved"}, ["closed"]),
    ({"service": "vpn"}, ["open"]),
    ({"category": "Mail"}, ["closed"]),
    ({"opened_after": (NOON - timedelta(hours=5)).isoformat()}, ["open"]),
    ({"query": "vpn", "status": "open", "service": "vpn"}, ["open"]),
    ({"query": "nothing"}, []),
    ({"status": "open", "service": "", "query": ""}, ["open", "undated"]),
)


def test_incidents_are_listed_by_filters(client, listed):
    for params, found in FILTERS:
        assert ids(client, **params) == found, params


def test_an_entry_says_what_is_known_in_short(client, listed):
    entry = client.get("/v1/incidents", params={"service": "vpn"}).json()["incidents"][0]
    assert (entry["title"], entry["status"], entry["outcome"]["category"]) == (
        "vpn down",
        "open",
        None,
    )
    assert (entry["alert_count"], entry["firing_count"]) == (2, 1)


def test_pages_follow_each_other_even_if_incidents_arrive(client, store, listed):
    first = client.get("/v1/incidents", params={"limit": 2}).json()
    assert [entry["id"] for entry in first["incidents"]] == ["open", "stale"]
    store.incidents.upsert([incident("new", opened_at=NOON + timedelta(1))])
    second = client.get("/v1/incidents", params={"limit": 2, "cursor": first["next"]}).json()
    assert [entry["id"] for entry in second["incidents"]] == ["closed", "undated"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"status": "closed"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"opened_after": "yesterday"}, "opened_after"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzEsIjEiXQ"}, "cursor"),
        ({"state": "open"}, "state"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_name(client, params, path):
    answer = client.get("/v1/incidents", params=params)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_a_page_holds_more_incidents_than_one_decision_sees(client, store):
    store.incidents.upsert([incident(f"INC{number}") for number in range(70)])
    assert len(ids(client, limit=100)) == 70


def test_an_incident_is_returned_with_everything_that_is_kept_beside_it(client, store):
    head = TrackedIncident(
        incident("head", "vpn down"),
        Tracking(peak_severity="critical", previous_id="old", acknowledged_by="Ana"),
        ALERTS,
    )
    member = TrackedIncident(incident("member"), Tracking(consequence_of="head"))
    write(store, head, member)
    body = {"incident": {"id": "head", "title": "vpn and mail down"}, "given_by": "Ana"}
    client.post("/v1/incidents", json=body)
    answer = client.get("/v1/incidents/head").json()
    assert answer["incident"]["title"] == "vpn and mail down"
    assert answer["opening"]["title"] == "vpn down"
    assert (answer["status"], answer["peak_severity"]) == ("open", "critical")
    assert (answer["previous_id"], answer["consequences"]) == ("old", ["member"])
    assert answer["acknowledged_by"] == "Ana"
    assert [alert["fingerprint"] for alert in answer["alerts"]] == ["f1", "f2"]
    assert answer["triage"] is None
    (change,) = answer["history"]
    assert (change["author"], change["actor"]) == ("person", "Ana")
    assert change["changes"]["title"] == ["vpn down", "vpn and mail down"]
    assert client.get("/v1/incidents/member").json()["consequence_of"] == "head"


def test_the_stored_answer_is_the_answer_that_was_given(client):
    report = {"id": "INC1", "title": "vpn down"}
    client.post("/v1/incidents", json={"incident": report})
    given = client.post("/v1/triage", json={"incident": report}).json()
    stored = client.get(f"/v1/predictions/{given['prediction_id']}").json()
    same = {"incident_id", "request_id", "prediction_id", "category", "severity", "fields"}
    same |= {"models", "similar", "open_match", "runbooks"}
    same &= given.keys()
    assert {name: stored.get(name) for name in same} == {name: given[name] for name in same}
    assert client.get("/v1/incidents/INC1").json()["triage"] == stored


def test_an_unknown_prediction_is_not_found(client):
    assert client.get("/v1/predictions/p-404").status_code == 404


def test_an_audited_answer_stays_hidden_until_the_outcome_is_known(client, store):
    report = {"id": "INC1", "title": "vpn down"}
    client.post("/v1/incidents", json={"incident": report})
    given = client.post("/v1/triage", json={"incident": report}).json()
    (record,) = (
        one for one in store.predictions.get(given["prediction_id"]) if one.target == "category"
    )
    later = replace(
        record,
        prediction_id="audited",
        audit_share=0.5,
        answered_at=datetime.now(UTC) + timedelta(1),
    )
    store.predictions.record([later])
    hidden = client.get("/v1/predictions/audited").json()
    assert hidden["category"] is None
    assert hidden["absent"]["category"].startswith("audit sample")
    assert client.get("/v1/incidents/INC1").json()["triage"]["category"] is None
    client.post("/v1/incidents", json={"incident": report, "outcome": {"category": "Mail"}})
    assert client.get("/v1/predictions/audited").json()["category"] == given["category"]


def test_an_answer_that_was_switched_off_is_hidden(client, store):
    given = client.post("/v1/triage", json={"incident": {"title": "vpn down"}}).json()
    container = client.app.state.container
    store.modes.set(ModeSetting("category", None, Mode.OFF, NOON))
    container.modes.poll()
    hidden = client.get(f"/v1/predictions/{given['prediction_id']}").json()
    assert (hidden["category"], hidden["absent"]["category"]) == (
        None,
        "switched off by its owner: mode off",
    )


def test_a_search_lists_the_best_first_and_continues_after_the_last(client, store):
    store.incidents.upsert(
        [
            incident("a", "printer", "the vpn", opened_at=NOON + timedelta(1)),
            incident("b", "vpn"),
            incident("c", "vpn", category="Network"),
        ]
    )
    first = client.get("/v1/incidents", params={"query": "vpn", "limit": 2}).json()
    assert {entry["id"] for entry in first["incidents"]} == {"b", "c"}
    store.incidents.upsert([incident("d", "vpn vpn vpn")])
    params = {"query": "vpn", "limit": 2, "cursor": first["next"]}
    second = client.get("/v1/incidents", params=params).json()
    assert second["incidents"][-1]["id"] == "a"
    assert {"b", "c"}.isdisjoint(entry["id"] for entry in second["incidents"])
    assert ids(client, query="vpn", status="resolved") == ["c"]
    client.delete(f"/v1/incidents/{first['incidents'][-1]['id']}")
    assert client.get("/v1/incidents", params=params).status_code == 422


def test_every_worker_finds_a_new_incident_at_once(app_of, trained_registry, store):
    with (
        TestClient(app_of(trained_registry, poll_seconds=60)) as one,
        TestClient(app_of(trained_registry, poll_seconds=60)) as other,
    ):
        assert ids(other, query="zebra") == []
        one.post("/v1/incidents", json={"incident": {"id": "INC1", "title": "zebra"}})
        assert ids(other, query="zebra") == ["INC1"]
        one.delete("/v1/incidents/INC1")
        assert ids(other, query="zebra") == []

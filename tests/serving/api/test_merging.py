"""`POST /v1/incidents`: a write merges into what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.domain.tracking import Author

OPENED = {"id": "INC1", "title": "VPN down", "service": "vpn", "attributes": {"site": "Graz"}}
RESOLVED = {"category": "Network", "resolution": "rebooted", "fields": {"subcategory": "VPN"}}


def post(client: Any, incident: dict[str, Any] | None = None, **rest: Any) -> Any:
    return client.post(
        "/v1/incidents", json={"incident": {"id": "INC1"} | (incident or {}), **rest}
    )


def stored(client: Any) -> dict[str, Any]:
    return client.get("/v1/incidents/INC1").json()


def test_a_late_retry_of_the_opened_body_keeps_the_outcome(client):
    assert post(client, OPENED).json()["effect"] == "created"
    assert post(client, OPENED, outcome=RESOLVED).json()["effect"] == "updated"
    answer = post(client, OPENED).json()
    assert (answer["effect"], answer["revision"]) == ("unchanged", 2)
    assert stored(client)["outcome"]["category"] == "Network"


def test_absent_keeps_and_null_erases_also_by_key(client):
    post(client, OPENED, outcome=RESOLVED)
    post(
        client,
        {"service": None, "attributes": {"floor": 2}},
        outcome={"category": None, "fields": {"subcategory": None, "cause": "cable"}},
    )
    answer = stored(client)
    assert answer["incident"]["title"] == "VPN down"
    assert answer["incident"]["service"] is None
    assert answer["incident"]["attributes"] == {"site": "Graz", "floor": "2"}
    assert answer["outcome"]["category"] is None
    assert answer["outcome"]["resolution"] == "rebooted"
    assert answer["outcome"]["fields"] == {"cause": "cable"}
    post(client, {"attributes": None, "title": None}, outcome=None)
    answer = stored(client)
    assert (answer["incident"]["title"], answer["incident"]["attributes"]) == ("", {})
    assert answer["outcome"]["resolution"] is None


def test_an_older_update_changes_nothing(client):
    post(client, OPENED, updated_at="2026-03-02T12:00:00Z")
    late = post(client, {"title": "late"}, updated_at="2026-03-02T12:30:00+01:00")
    assert (late.status_code, late.json()["effect"]) == (200, "outdated")
    assert stored(client)["incident"]["title"] == "VPN down"
    post(client, {"title": "newer"}, updated_at="2026-03-02T12:00:01Z")
    assert stored(client)["incident"]["title"] == "newer"


@pytest.mark.parametrize(
    ("ahead", "status"), [(timedelta(minutes=4), 200), (timedelta(minutes=6), 422)]
)
def test_an_update_from_the_future_is_refused(client, ahead, status):
    answer = post(client, updated_at=(datetime.now(UTC) + ahead).isoformat())
    assert answer.status_code == status
    if status == 422:
        assert [error["path"] for error in answer.json()["errors"]] == ["updated_at"]


def test_a_source_does_not_overwrite_what_a_person_gave(client, store):
    post(client, OPENED, outcome={"severity": "Low", "status": "open"})
    post(client, outcome={"severity": "High"}, given_by="Ana")
    post(client, {"title": "VPN"}, outcome={"severity": "Low", "category": "Network"})
    answer = stored(client)
    assert answer["outcome"]["severity"] == "High"
    assert (answer["incident"]["title"], answer["outcome"]["category"]) == ("VPN", "Network")
    tracked = store.tracked.get("INC1")
    assert tracked.tracking.authors == {"severity": Author.PERSON}
    versions = store.tracked.versions("INC1")
    assert [(version.author, version.actor) for version in versions] == [
        (Author.PERSON, "Ana"),
        (Author.SOURCE, ""),
    ]
    assert versions[0].changes == {"severity": ("Low", "High")}
    assert tracked.opening_report.title == "VPN down"


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ({}, {"opened_at": "2026-03-02T12:00:00Z", "resolved_at": "11:59"}, "outcome.resolved_at"),
        ({"opened_at": "2026-03-02T12:00:00Z"}, {"resolved_at": "11:59"}, "outcome.resolved_at"),
        ({"resolved_at": "11:59"}, {"opened_at": "2026-03-02T12:00:00Z"}, "incident.opened_at"),
    ],
)
def test_an_incident_cannot_be_resolved_before_it_opens(client, first, second, path):
    def send(times: dict[str, str]) -> Any:
        incident = {name: time for name, time in times.items() if name == "opened_at"}
        outcome = {
            name: f"2026-03-02T{time}:00Z" for name, time in times.items() if name == "resolved_at"
        }
        return post(client, incident, outcome=outcome)

    assert send(first).status_code == 200
    answer = send(second)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]
    assert "2026-03-02T11:59:00Z" in answer.json()["errors"][0]["message"]


def test_the_status_can_be_stated_and_else_follows(client, store):
    post(client, OPENED, outcome={"category": "Network", "status": "open"})
    assert store.incidents.get("INC1").outcome.is_open
    post(client, outcome={"resolved_at": "2026-03-02T12:00:00Z"})
    assert not store.incidents.get("INC1").outcome.is_open
    refused = post(client, outcome={"status": "done"})
    assert [error["path"] for error in refused.json()["errors"]] == ["outcome.status"]


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ({str(number): "x" for number in range(201)}, "incident.attributes"),
        ({"site": "x" * 10_001}, "incident.attributes.site"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/incidents", "/v1/triage"])
def test_attributes_are_limited(client, route, attributes, path):
    answer = client.post(route, json={"incident": {"attributes": attributes}})
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_attributes_are_limited_together_with_the_stored_ones(client):
    assert post(client, {"attributes": {f"a{n}": "x" * 10_000 for n in range(200)}}).is_success
    answer = post(client, {"attributes": {"b": "x"}})
    assert [error["path"] for error in answer.json()["errors"]] == ["incident.attributes"]
    assert post(client, {"attributes": {"a0": None, "b": "x"}}).is_success


def test_an_open_incident_whose_report_is_new_waits_to_be_triaged(client, store):
    def queued() -> int:
        (waiting,) = store.triage_queue.take(1, now=datetime.now(UTC), hold_seconds=0)
        return waiting.requests

    post(client, OPENED)
    assert queued() == 1
    post(client, OPENED, outcome={"severity": "High", "status": "open"})
    assert queued() == 1
    post(client, {"title": "VPN and mail down"})
    assert queued() == 2


def test_one_call_stores_and_answers(client, store):
    answer = client.post("/v1/incidents?triage=true", json={"incident": OPENED}).json()
    assert answer["effect"] == "created"
    assert answer["triage"]["category"]["label"]
    assert (
        client.get("/v1/incidents/INC1").json()["triage"]["prediction_id"]
        == (answer["triage"]["prediction_id"])
    )
    assert store.triage_queue.count() == 0
    # The answer is about what is stored, not only about what was sent.
    again = client.post("/v1/incidents?triage=true", json={"incident": {"id": "INC1"}}).json()
    assert again["triage"]["category"]["label"] == answer["triage"]["category"]["label"]
    assert "triage" not in post(client).json()
    refused = client.post("/v1/incidents?triage=maybe", json={"incident": OPENED})
    assert [error["path"] for error in refused.json()["errors"]] == ["triage"]


def test_an_incident_that_was_only_triaged_can_be_read_and_erased_but_is_not_stored(client, store):
    report = {"id": "T1", "title": "vpn down", "opened_at": "2026-03-02T12:00:00Z"}
    given = client.post("/v1/triage/batch", json={"incidents": [report]}).json()
    answer = client.get("/v1/incidents/T1").json()
    assert (answer["incident"]["title"], answer["status"]) == ("vpn down", "open")
    assert answer["triage"]["prediction_id"] == (given["results"][0]["triage"]["prediction_id"])
    assert client.get("/v1/incidents").json()["incidents"] == []
    later = {"title": "vpn down", "opened_at": "2026-03-02T13:00:00Z"}
    similar = client.post("/v1/similar", json={"incident": later, "cutoff": 0}).json()
    assert (similar["similar"], similar["open_match"]) == ([], None)
    assert client.delete("/v1/incidents/T1").status_code == 200
    assert client.get("/v1/incidents/T1").status_code == 404


def test_triage_keeps_no_second_report_of_a_stored_incident(client, store):
    post(client, OPENED)
    client.post("/v1/triage", json={"incident": OPENED | {"title": "other"}})
    assert stored(client)["incident"]["title"] == "VPN down"
    assert store.predictions.triaged_report("INC1") is None


def test_target_times_and_reassignments_are_kept(client):
    post(client, OPENED, outcome={"sla_met": False, "reassigned": True, "status": "open"})
    post(client, OPENED, outcome={"category": "Network"})
    outcome = stored(client)["outcome"]
    assert (outcome["sla_met"], outcome["reassigned"]) == (False, True)
    post(client, OPENED, outcome={"sla_met": None})
    assert stored(client)["outcome"]["sla_met"] is None

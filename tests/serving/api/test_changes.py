"""`POST /v1/changes`: this service's own form, and PagerDuty's change events as they come."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.telemetry.change import Change
from serving.services.changes import ChangeService

NOW = datetime.now(UTC)
CHANGE = {
    "id": "deploy-1",
    "service": "checkout",
    "at": "2026-03-02T14:02:00+01:00",
    "kind": "deploy",
    "summary": "checkout 4.2",
    "url": "https://ci.example/1",
}
EVENT = {
    "routing_key": "R012345678901234567890123456789K",
    "payload": {
        "summary": "Build Success - Increase snapshot create timeout to 30 seconds",
        "timestamp": "2020-07-17T08:42:58.315+0000",
        "source": "acme-build-pipeline-tool-default-i-9999",
        "custom_details": {"build_state": "passed", "build_number": "2", "run_time": 1236},
    },
    "links": [{"href": "https://acme.example/acme/2", "text": "View more details"}],
}


def stored(store):
    return store.changes.between(NOW - timedelta(days=9_999), NOW + timedelta(days=1))


def send(client, body):
    return client.post("/v1/changes", json=body)


def test_a_change_is_kept(client, store):
    response = client.post("/v1/changes", json=CHANGE, headers={"X-Request-ID": "mine"})
    assert response.status_code == 200
    assert response.json() == {"change_id": "deploy-1", "request_id": "mine"}
    (change,) = stored(store)
    assert change.at == datetime(2026, 3, 2, 13, 2, tzinfo=UTC)
    facts = (change.id, change.service, change.kind, change.summary, change.url)
    assert facts == ("deploy-1", "checkout", "deploy", "checkout 4.2", "https://ci.example/1")


def test_sent_again_it_is_replaced(client, store):
    send(client, CHANGE)
    send(client, CHANGE | {"summary": "checkout 4.3", "url": None})
    (change,) = stored(store)
    assert (change.summary, change.url) == ("checkout 4.3", None)


def test_its_texts_are_masked(client, store):
    secret = "by ana@example.com, password=hunter22"
    send(client, CHANGE | {"summary": secret, "url": "https://u:geheim77@ci.example/1"})
    event = {"summary": secret, "custom_details": {"note": secret}, "source": "10.1.2.3"}
    send(client, {"payload": event})
    text = repr(stored(store))
    assert "<email>" in text
    assert not any(word in text for word in ("ana@", "hunter22", "geheim77", "10.1.2.3"))


def test_a_change_event_of_pagerduty_is_taken_as_it_comes(client, store, caplog):
    response = send(client, EVENT)
    assert response.status_code == 200
    (change,) = stored(store)
    assert change.id == response.json()["change_id"]
    assert change.at == datetime(2020, 7, 17, 8, 42, 58, 315_000, tzinfo=UTC)
    assert change.service == "acme-build-pipeline-tool-default-i-9999"
    assert (change.kind, change.summary) == ("change", EVENT["payload"]["summary"])
    assert change.url == "https://acme.example/acme/2"
    assert change.attributes["run_time"] == "1236"
    assert EVENT["routing_key"] not in repr(change) + caplog.text


def test_the_same_event_twice_is_one_change_and_another_key_makes_no_other(client, store):
    send(client, EVENT)
    send(client, EVENT | {"routing_key": "another"})
    assert len(stored(store)) == 1
    payload = EVENT["payload"] | {"timestamp": "2020-07-17T09:42:58Z"}
    send(client, EVENT | {"payload": payload})
    assert len(stored(store)) == 2


def test_an_event_names_its_service_in_the_details_and_may_lack_the_rest(client, store):
    details = {"service": "Checkout", "type": "deploy", "nested": {"a": [1]}}
    before = datetime.now(UTC)
    send(client, {"payload": {"summary": "4.2", "custom_details": details}})
    send(client, {"payload": {"summary": "4.2", "custom_details": None}, "links": None})
    named, bare = sorted(stored(store), key=lambda change: change.service is None)
    assert (named.service, named.kind, named.attributes["nested"]) == (
        "Checkout",
        "deploy",
        '{"a": [1]}',
    )
    assert (bare.service, bare.url, bare.attributes) == (None, None, {})
    assert before <= bare.at <= datetime.now(UTC)


UNREADABLE = (
    (CHANGE | {"id": ""}, "id"),
    (CHANGE | {"id": 7}, "id"),
    (CHANGE | {"at": "yesterday"}, "at"),
    (CHANGE | {"summary": ""}, "summary"),
    (CHANGE | {"who": "ana"}, "who"),
    ({name: value for name, value in CHANGE.items() if name != "service"}, "service"),
    ({"payload": {}}, "payload.summary"),
    ({"payload": {"summary": "x", "timestamp": "soon"}}, "payload.timestamp"),
    ({"payload": {"summary": "x"}, "links": [{"text": "no href"}]}, "links.0.href"),
    ([], ""),
)


def test_what_cannot_be_read_is_refused_by_name(client, store):
    for change, path in UNREADABLE:
        response = send(client, change)
        assert response.status_code == 422, change
        assert response.headers["content-type"] == "application/problem+json"
        assert path in {error["path"] for error in response.json()["errors"]}
        assert stored(store) == ()


@pytest.mark.parametrize("value", ['{"a": [' * 400 + "1" + "]}" * 400, '{"a": 1, "a": 1}'])
def test_details_that_cannot_be_kept_are_refused(client, store, value):
    body = f'{{"payload": {{"summary": "x", "custom_details": {{"d": {value}}}}}}}'
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/changes", content=body, headers=headers)
    assert response.status_code in {400, 422}, response.text
    assert stored(store) == ()


def test_no_json_is_a_problem(client):
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/changes", content="{", headers=headers)
    assert (response.status_code, response.json()["title"]) == (400, "Bad Request")


def test_lone_surrogates_do_no_harm(client, store):
    body = json.dumps({"payload": {"summary": "x\ud800", "custom_details": {"\udc00": "\ud83d"}}})
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/changes", content=body, headers=headers)
    assert response.status_code in {200, 422}
    assert "\ud800" not in repr(stored(store))


def test_what_is_older_than_400_days_is_removed_once_a_day(store):
    now = NOW
    service = ChangeService(store, lambda: now)
    first, second, third = (
        Change(f"c{days}", "checkout", NOW - timedelta(days=days), "deploy", "4.2")
        for days in (401, 399.5, 0)
    )
    store.changes.record([first])
    service.record(second)
    assert stored(store) == (second,)
    now += timedelta(hours=23)
    service.record(third)
    assert stored(store) == (second, third)
    now += timedelta(hours=1)
    service.record(third)
    assert stored(store) == (third,)


def test_the_route_removes_what_is_old(client, store):
    old = NOW - timedelta(days=500)
    store.changes.record([Change("old", "checkout", old, "deploy", "4.1")])
    send(client, CHANGE | {"at": NOW.isoformat()})
    assert [change.id for change in stored(store)] == ["deploy-1"]

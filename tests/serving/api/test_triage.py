"""The contract of `/v1/triage` and `/v1/triage/batch`, field by field."""

import json
import time

import pytest
from starlette.testclient import TestClient

EVIDENCE = {
    "tokens": [{"token": "vpn", "weight": 1.2, "field": "title", "start": 0, "end": 3}],
    "fields": [{"field": "site", "value": "Graz", "weight": -0.1}],
    "exemplars": [{"id": "INC7", "label": "X", "similarity": 0.8}],
}
CERTIFICATE = {
    "precision_at_least": 0.92,
    "threshold": 0.81,
    "n": 412,
    "pooled": False,
    "family": False,
}
FULL_INCIDENT = {
    "id": "INC1",
    "title": "VPN down",
    "description": "since noon",
    "service": "vpn",
    "source": "email",
    "opened_at": "2026-03-02T08:30:00+01:00",
    "attributes": {"site": "Graz", "floor": 2, "share": 0.5, "vip": True, "room": None},
}


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert {"type", "title", "detail"} <= set(body)
    return body


def paths(body):
    return {error["path"] for error in body["errors"]}


def test_the_whole_answer(client):
    headers = {"X-Request-ID": "my-request"}
    response = client.post("/v1/triage", json={"incident": FULL_INCIDENT}, headers=headers)
    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("prediction_id")
    trained_at = "2026-03-01T00:00:00Z"
    choice = {
        "label": "Network v7",
        "confidence": 0.93,
        "decision": "auto",
        "alternatives": [{"label": "Printing", "confidence": 0.04}],
        "label_set": ["Network"],
        "certificate": CERTIFICATE,
        "evidence": EVIDENCE,
        "why": [],
        "mode": "monitor",
    }
    assert answer == {
        "incident_id": "INC1",
        "request_id": "my-request",
        "category": choice,
        "assignment": None,
        "fields": {"subcategory": choice | {"label": "Network v2"}},
        "severity": {
            "label": "Middle",
            "rank": 1,
            "confidence": 0.7,
            "decision": "suggest",
            "expected_rank": 0.9,
            "stated": None,
            "stated_rank": None,
            "likeliest": None,
            "why": [],
            "alternatives": [
                {"label": "Low", "confidence": 0.2},
                {"label": "High", "confidence": 0.1},
            ],
            "label_set": ["Low", "Middle"],
            "certificate": None,
            "evidence": {"tokens": [], "fields": [], "exemplars": []},
            "mode": "monitor",
        },
        "similar": None,
        "open_match": None,
        "runbooks": None,
        "resolution": None,
        "anomalies": None,
        "changes": None,
        "novelty": None,
        "absent": {
            "assignment": "not trained: the registry has no champion of assignment",
            "similar": "not trained: no incident is stored yet",
            "runbooks": "not trained: no runbook is stored; train with --runbooks DIR",
            "resolution": "not trained: the registry has no champion of resolution",
            "anomalies": "no telemetry is watched; run precedent watch --config FILE",
            "changes": "no change was recorded; send them to POST /v1/changes",
            "novelty": "not trained: the registry has no champion of novelty",
        },
        "models": {
            "category": {"version": "7", "trained_at": trained_at},
            "fields.subcategory": {"version": "2", "trained_at": trained_at},
            "severity": {"version": "3", "trained_at": trained_at},
        },
    }


def test_include_leaves_the_rest_out(client):
    body = {"incident": {"title": "vpn"}, "include": ["category", "anomalies"]}
    answer = client.post("/v1/triage", json=body).json()
    usual = {"incident_id", "request_id", "prediction_id", "novelty", "absent", "models"}
    assert set(answer) == usual | {"category", "anomalies"}
    assert answer["anomalies"] is None
    assert set(answer["absent"]) == {"anomalies", "novelty"}
    assert set(answer["models"]) == {"category"}


def test_an_empty_service_answers_with_reasons(app_of, registry):
    with TestClient(app_of(registry)) as client:
        answer = client.post("/v1/triage", json={"incident": {"title": "vpn"}}).json()
    assert answer["category"] is answer["severity"] is None
    assert answer["fields"] == {}
    assert answer["absent"]["category"].startswith("not trained: ")
    assert answer["models"] == {}


def test_what_was_trained_and_not_promoted_says_so_and_what_to_run(app_of, registry):
    registry.refused = {"severity": "3", "fields.team": "1", "fields.site": "2", "similar": "1"}
    with TestClient(app_of(registry)) as client:
        answer = client.post("/v1/triage", json={"incident": {"title": "vpn"}}).json()
    absent = answer["absent"]
    assert answer["severity"] is None
    assert absent["severity"].startswith("not promoted: version 3 of severity was trained")
    assert "/models/severity/3 says why" in absent["severity"]
    assert "`precedent promote severity`" in absent["severity"]
    assert absent["fields"].count("not promoted") == 2
    assert "version 2 of fields.site" in absent["fields"]
    assert absent["category"] == "not trained: the registry has no champion of category"
    assert absent["similar"] == "not trained: no incident is stored yet"


def test_a_champion_that_was_refused_is_absent_with_its_reason(app_of, registry):
    registry.promote("category", "1")
    registry.broken.add(("category", "1"))
    with TestClient(app_of(registry)) as client:
        answer = client.post("/v1/triage", json={"incident": {}}).json()
    assert answer["category"] is None
    assert answer["absent"]["category"].startswith("not loaded: ")


ODD = (
    {},
    {"title": ""},
    {"title": None, "description": None, "attributes": None, "id": None, "opened_at": None},
    {"title": "nul \x00 bell \x07 \x1b[31m"},
    {"title": "\ud800 lone \udfff", "attributes": {"\udc00": "\ud83d"}},
    {"title": "🔥 página de inicio de sesión 无法登录 שלום"},
    {"id": "\x00", "title": "an id of which nothing is left"},
    {"id": "https://tracker.example.com/browse/OPS-1 ü"},
    {"opened_at": "0001-01-01"},
    {"opened_at": "9999-12-31T23:59:59+14:00"},
    {"opened_at": "2026-03-02T08:30:00"},
    {"attributes": {"n": 10**400, "f": 1e308, "b": False, "": "no name"}},
    {"title": "x" * 200_000},
)


def test_odd_incidents_are_answered(client):
    for incident in ODD:
        content = json.dumps({"incident": incident})
        headers = {"Content-Type": "application/json"}
        response = client.post("/v1/triage", content=content, headers=headers)
        assert response.status_code == 200, response.text
        assert response.json()["incident_id"].isprintable()
        assert response.json()["incident_id"]


def test_cleaned_texts_are_counted(client):
    client.post("/v1/triage", json={"incident": {"title": "a\x00b", "description": "fine\n"}})
    assert "precedent_cleaned_texts_total 1.0" in client.get("/metrics").text


WRONG = (
    ({"incident": {"titel": "typo"}}, "incident.titel"),
    ({"incident": {}, "includes": []}, "includes"),
    ({}, "incident"),
    ({"incident": None}, "incident"),
    ({"incident": []}, "incident"),
    ([], ""),
    ("text", ""),
    ({"incident": {"title": 5}}, "incident.title"),
    ({"incident": {"id": 5}}, "incident.id"),
    ({"incident": {"id": "x" * 600}}, "incident.id"),
    ({"incident": {"id": "x\x00" + "x" * 511}}, "incident.id"),
    ({"incident": {"service": ["vpn"]}}, "incident.service"),
    ({"incident": {"attributes": {"a": {"deep": 1}}}}, "incident.attributes.a"),
    ({"incident": {"attributes": ["a"]}}, "incident.attributes"),
    ({"incident": {"opened_at": "yesterday"}}, "incident.opened_at"),
    ({"incident": {"opened_at": 1e300}}, "incident.opened_at"),
    ({"incident": {"opened_at": "9999-12-31T23:59:59-14:00"}}, "incident.opened_at"),
    ({"incident": {"opened_at": "0001-01-01T00:00:00+14:00"}}, "incident.opened_at"),
    ({"incident": {"title": "x" * 200_001}}, "incident.title"),
    ({"incident": {"attributes": {"log": "x" * 200_001}}}, "incident.attributes.log"),
    ({"incident": {}, "include": ["categories"]}, "include.0"),
    ({"incident": {}, "include": "category"}, "include"),
)


def test_wrong_fields_are_problems_with_their_path(client):
    for body, path in WRONG:
        refusal = problem(client.post("/v1/triage", json=body), 422)
        assert paths(refusal) == {path}, body


NOT_JSON = (
    b"",
    b"{",
    b"\xff\xfe\xfd",
    b'{"incident": {"title": "caf\xe9"}}',
    b'{"incident": {"title": "half a character \xed\xa0\x80"}}',
    b'{"incident": {"title": "nul \x00"}}',
    b'{"incident": {"attributes": {"x": NaN}}}',
    b'{"incident": {"attributes": {"x": -Infinity}}}',
    b'{"incident": {"attributes": {"x": ' + b"9" * 5_000 + b"}}}",
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
)


def test_what_is_not_json_is_a_problem(client):
    for content in NOT_JSON:
        headers = {"Content-Type": "application/json"}
        problem(client.post("/v1/triage", content=content, headers=headers), 400)


def test_a_number_beyond_floats_is_a_problem_of_its_field(client):
    headers = {"Content-Type": "application/json"}
    content = b'{"incident": {"attributes": {"x": 1e999}}}'
    refusal = problem(client.post("/v1/triage", content=content, headers=headers), 422)
    assert paths(refusal) == {"incident.attributes.x"}


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"incident": {"title": 5, "title": "vpn"}}', "incident"),
        (b'{"incident": {}, "incident": {}}', ""),
        (b'{"incident": {"attributes": {"a": 1, "b": 2, "a": 1}}}', "incident.attributes"),
        (b'{"incident": {"attributes": {"a": {"b": 1, "b": 1}}}}', "incident.attributes.a"),
    ],
)
def test_a_repeated_key_is_refused_with_the_path_of_its_object(client, content, path):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    refusal = problem(client.post("/v1/triage", content=content, headers=headers), 422)
    (error,) = refusal["errors"]
    assert (error["path"], error["message"].endswith("' is repeated")) == (path, True)


def test_a_repeated_key_among_many_is_found_at_once(client):
    attributes = ", ".join(f'"k{number}": "v"' for number in range(100_000))
    content = f'{{"incident": {{"attributes": {{{attributes}, "k99999": "v"}}}}}}'
    started = time.process_time()
    problem(client.post("/v1/triage", content=content), 422)
    assert time.process_time() - started < 5


def test_other_media_types_are_refused(client):
    for declared in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
        headers = {"Content-Type": declared}
        problem(client.post("/v1/triage", content=b'{"incident":{}}', headers=headers), 415)


def test_many_wrong_fields_make_a_bounded_problem(client):
    body = {"incident": {f"{'k' * 1_000}{n}": n for n in range(1_000)}}
    response = client.post("/v1/triage", json=body)
    assert len(problem(response, 422)["errors"]) <= 100
    assert len(response.content) < 100_000


def test_a_batch_answers_in_order_and_fails_record_by_record(client):
    incidents = [
        FULL_INCIDENT,
        {"id": "INC2", "titel": "typo"},
        {"title": "x" * 200_001},
        "no object",
        {"id": "INC5", "title": "printer"},
    ]
    response = client.post("/v1/triage/batch", json={"incidents": incidents})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [result["status"] for result in results] == [200, 422, 422, 422, 200]
    assert [result["id"] for result in results] == ["INC1", "INC2", None, None, "INC5"]
    assert results[0]["triage"]["category"]["label"] == "Network v7"
    assert results[4]["triage"]["category"]["label"] == "Other v7"
    assert results[4]["triage"]["incident_id"] == "INC5"
    refused = results[1]["problem"]
    assert refused["status"] == 422
    assert refused["type"] == "about:blank"
    assert refused["request_id"] == response.headers["x-request-id"]
    assert paths(refused) == {"incidents.1.titel"}
    assert {"id", "status", "problem"} == set(results[3])


def test_a_repeated_key_fails_its_record_alone(client):
    content = b'{"incidents": [{"id": "INC1"}, {"id": "INC2", "title": "a", "title": "b"}]}'
    headers = {"Content-Type": "application/json"}
    results = client.post("/v1/triage/batch", content=content, headers=headers).json()["results"]
    assert [result["status"] for result in results] == [200, 422]
    assert results[1]["id"] is None
    assert results[1]["problem"]["errors"] == [
        {"path": "incidents.1", "message": "the key 'title' is repeated"}
    ]


def test_a_batch_answers_as_single_requests_do(client):
    batch = client.post("/v1/triage/batch", json={"incidents": [FULL_INCIDENT]}).json()
    single = client.post("/v1/triage", json={"incident": FULL_INCIDENT}).json()
    from_batch = batch["results"][0]["triage"]
    assert from_batch.pop("prediction_id") != single.pop("prediction_id")
    assert from_batch.pop("request_id") != single.pop("request_id")
    assert from_batch == single


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "incidents"),
        ({"incidents": {}}, "incidents"),
        ({"incidents": [], "more": 1}, "more"),
        ({"incidents": [{}], "include": ["x"]}, "include.0"),
    ],
)
def test_a_wrong_envelope_fails_the_whole_batch(client, body, path):
    assert paths(problem(client.post("/v1/triage/batch", json=body), 422)) == {path}


def test_an_empty_batch_has_no_results(client):
    response = client.post("/v1/triage/batch", json={"incidents": []})
    assert (response.status_code, response.json()) == (200, {"results": []})


def test_a_thousand_incidents_are_one_call_per_model(client, trained_registry):
    incidents = [{"id": str(n), "title": "vpn"} for n in range(1_000)]
    response = client.post("/v1/triage/batch", json={"incidents": incidents})
    assert [result["id"] for result in response.json()["results"]] == [str(n) for n in range(1_000)]
    assert trained_registry.models["category", "7"].asked_ == [1_000]

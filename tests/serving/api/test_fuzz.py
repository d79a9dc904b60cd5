"""Whatever is sent, the answer is an answer or a problem and never a failure of the program."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.quality

ROUTES = (
    "/v1/triage",
    "/v1/triage/batch",
    "/v1/incidents",
    "/v1/changes",
    "/hooks/alertmanager",
)
FUZZED = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

texts = st.text(st.characters(), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
moments = st.datetimes().map(str) | st.sampled_from(
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "20260101", "", "1e9"]
)
incidents = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "title", "description", "service", "source"), texts | values),
        "opened_at": moments | values,
        "attributes": st.dictionaries(texts, scalars, max_size=4) | values,
        "more": values,
    },
)
parts = st.lists(st.sampled_from(["category", "fields", "anomalies", "x"]), max_size=3) | values
changes = st.fixed_dictionaries(
    {"id": texts, "service": texts, "at": moments, "kind": texts, "summary": texts}
)
change_events = st.fixed_dictionaries(
    {
        "payload": st.fixed_dictionaries(
            {"summary": texts},
            optional={"timestamp": moments, "source": texts, "custom_details": values},
        )
    },
    optional={"links": st.lists(st.fixed_dictionaries({"href": texts})) | values},
)
facts = st.dictionaries(texts | st.sampled_from(["job", "summary"]), scalars, max_size=3)
alerts = st.fixed_dictionaries(
    {}, optional={"labels": facts, "annotations": facts, "startsAt": moments, "x": values}
)
alert_groups = st.fixed_dictionaries(
    {"alerts": st.lists(alerts, max_size=3), "groupKey": texts},
    optional={"status": st.sampled_from(["firing", "resolved"]), "commonLabels": facts | values},
)
bodies = (
    changes
    | change_events
    | alert_groups
    | st.fixed_dictionaries(
        {"incident": incidents},
        optional={
            "include": parts,
            "outcome": values,
            "incidents": st.lists(incidents, max_size=3),
        },
    )
    | st.fixed_dictionaries({"incidents": st.lists(incidents | values, max_size=4)})
)


def check(response):
    assert response.status_code in {200, 400, 413, 415, 422}, response.text
    answer = json.loads(response.content.decode("utf-8"))
    if response.status_code == 200:
        for result in answer.get("results", []):
            assert result["status"] in {200, 422}
    else:
        assert response.headers["content-type"] == "application/problem+json"
        assert answer["status"] == response.status_code


@pytest.mark.parametrize("route", ROUTES)
@given(body=bodies)
@FUZZED
def test_nearly_right_bodies(client, route, body):
    headers = {"Content-Type": "application/json"}
    check(client.post(route, content=json.dumps(body), headers=headers))


@pytest.mark.parametrize("route", ROUTES)
@given(body=values.map(json.dumps).map(str.encode) | st.binary(max_size=200))
@FUZZED
def test_anything_at_all(client, route, body):
    headers = {"Content-Type": "application/json"}
    check(client.post(route, content=body, headers=headers))


@given(id=texts.filter(lambda text: text.isprintable() and text.strip(" /.")))
@FUZZED
def test_any_id_is_found_again(client, id):  # noqa: A002
    stored = client.post("/v1/incidents", json={"incident": {"id": id}}).json()["incident_id"]
    response = client.get("/v1/incidents/" + quote(stored, safe=""))
    assert response.status_code == 200
    assert response.json()["incident"]["id"] == stored

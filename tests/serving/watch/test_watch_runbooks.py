"""The runbook that the service suggests for an anomaly, or none."""

import json

import pytest

from features.incident.report import IncidentReport
from models.prediction import SuggestedRunbook
from serving.watch.runbooks import RunbookAdvice

REPORT = IncidentReport(id="a", title="errors is up by 3", service="checkout")


@pytest.fixture
def advice(alertmanager):
    asking = RunbookAdvice(alertmanager.url, key="secret")
    yield asking
    asking.close()


def test_the_most_relevant_one_is_suggested(alertmanager, advice):
    found = {
        "id": "errors",
        "title": "Errors",
        "relevance": 0.9,
        "why": [],
        "steps": [],
        "url": "u",
    }
    content = json.dumps({"runbooks": [found], "request_id": "1"}).encode()
    alertmanager.answer_with = lambda _: (200, content)
    assert advice(REPORT) == SuggestedRunbook("errors", "Errors", 0.9, url="u")
    incident = {"title": "errors is up by 3", "service": "checkout"}
    assert json.loads(alertmanager.asked[0]) == {"incident": incident, "limit": 1}


def test_there_may_be_none(alertmanager, advice):
    alertmanager.answer_with = lambda _: (200, b'{"runbooks": []}')
    assert advice(REPORT) is None


@pytest.mark.parametrize("answer", [(503, b""), (200, b"<html>"), (200, b'{"runbooks": 1}')])
def test_a_service_that_fails_keeps_nothing_back(alertmanager, advice, caplog, answer):
    alertmanager.answer_with = lambda _: answer
    assert [advice(REPORT) for _ in range(3)] == [None] * 3
    assert [each.getMessage() for each in caplog.records] == ["asking for a runbook fails"]

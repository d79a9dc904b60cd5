"""The runbook that the service suggests for an anomaly, or none."""

import json

import pytest

from features.domain.report import IncidentReport
from models.base.predictions import SuggestedRunbook
from serving.runtime.http_client import RequestFailed
from serving.watch.clients.runbooks import RunbookAdvice

REPORT = IncidentReport(id="a", title="errors is up by 3", service="checkout")


class Clock:
    """Stands still unless a test moves it."""

    now = 1_000.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def advice(alertmanager, clock):
    asking = RunbookAdvice(alertmanager.url, key="secret", monotonic=lambda: clock.now)
    yield asking
    asking.close()


def test_the_most_relevant_one_is_suggested(alertmanager, advice):
    runbook = {
        "id": "errors",
        "title": "Errors",
        "relevance": 0.9,
        "why": [],
        "steps": [],
        "url": "u",
    }
    content = json.dumps({"runbooks": [runbook], "request_id": "1"}).encode()
    alertmanager.answer_with = lambda _: (200, content)
    assert advice(REPORT) == SuggestedRunbook("errors", "Errors", 0.9, url="u")
    incident = {"title": "errors is up by 3", "service": "checkout"}
    assert json.loads(alertmanager.asked[0]) == {"incident": incident, "limit": 1}


def test_there_may_be_none(alertmanager, advice):
    alertmanager.answer_with = lambda _: (200, b'{"runbooks": []}')
    assert advice(REPORT) is None


@pytest.mark.parametrize("answer", [(503, b""), (200, b"<html>"), (200, b'{"runbooks": 1}')])
def test_a_service_that_fails_is_asked_again_later(alertmanager, advice, clock, caplog, answer):
    alertmanager.answer_with = lambda _: answer
    for _ in range(3):
        with pytest.raises(RequestFailed):
            advice(REPORT)
    assert len(alertmanager.asked) == 1
    assert [record.getMessage() for record in caplog.records] == ["asking for a runbook fails"]
    alertmanager.answer_with = lambda _: (200, b'{"runbooks": []}')
    clock.now += 5
    assert advice(REPORT) is None

"""`GET /v1/surges`, the gauge of surges, and the line in the inbox."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident

from features.domain.report import Outcome, Status

OWN = {"Origin": "http://testserver"}


@pytest.fixture
def surging(client, store):
    """A client whose store holds six weeks of a quiet past, and nine incidents of a minute each."""
    now = datetime.now(UTC)

    def opened(name, at, service, title):
        whole = incident(name, title, opened_at=at)
        report = replace(whole.report, service=service)
        return replace(whole, report=report, outcome=Outcome(status=Status.OPEN))

    store.incidents.upsert(
        [
            opened(f"p{n}", now - timedelta(hours=n), f"s{n % 7}", f"ticket {n}")
            for n in range(8, 1008, 2)
        ]
    )
    store.incidents.upsert(
        [
            opened(f"new{k}", now - timedelta(minutes=10 - k), "vpn", "<b>tunnel</b> drops")
            for k in range(9)
        ]
    )
    client.app.state.container.surges.poll()
    return client


def test_without_surges_the_list_is_empty(client) -> None:
    assert client.get("/v1/surges").json()["surges"] == []
    assert "precedent_surges 0.0" in client.get("/metrics").text


def test_a_surge_is_listed_with_its_sentence_and_parent(surging) -> None:
    [surge] = surging.get("/v1/surges").json()["surges"]
    assert surge["stream"] == {"kind": "service", "value": "vpn"}
    assert surge["incident_ids"] == [f"new{k}" for k in range(9)]
    assert (surge["count"], surge["minutes"], surge["usual_count"]) == (9, 8, 0)
    assert surge["sentence"] == "vpn tickets: 9 in 8 min, none in the last 6 weeks"
    assert surge["parent"] == {"id": "new0", "title": "<b>tunnel</b> drops", "joined": 0}
    assert "precedent_surges 1.0" in surging.get("/metrics").text


def test_the_inbox_shows_a_surge_and_puts_its_incidents_under_one(surging) -> None:
    page = surging.get("/").text
    assert "vpn tickets: 9 in 8 min, none in the last 6 weeks" in html.unescape(page)
    assert "<b>tunnel</b>" not in page
    [surge_id] = re.findall(r'name="surge_id" value="(\w+)"', page)
    assert "Put 8 under it" in page
    answer = surging.post("/join-surge", data={"surge_id": surge_id, "next": "/"}, headers=OWN)
    assert answer.status_code == 200
    assert "9 alerts, 9 incidents" in re.sub(r"\s+", " ", answer.text)
    assert "Put 8 under it" not in answer.text
    [surge] = surging.get("/v1/surges").json()["surges"]
    assert surge["parent"]["joined"] == 8


def test_joining_a_surge_that_is_over_says_so(client) -> None:
    answer = client.post("/join-surge", data={"surge_id": "gone"}, headers=OWN)
    assert answer.status_code == 404
    assert "no surge" in html.unescape(answer.text)

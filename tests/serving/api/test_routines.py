"""`GET /v1/routines`, revoking and restoring a routine, and the same on the page."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from example_routines import example_routine

from features.domain.telemetry.series_routine import SeriesRoutine

OWN = {"Origin": "http://testserver"}
NOW = datetime.now(UTC).replace(microsecond=0)
SENTENCE = "daily 06:00, 30 min, 320 to 900 ms; no longer flagged"


def routine(name: str = "r1", learned_at: datetime = NOW, **changed: object) -> SeriesRoutine:
    hostile = {"series": 'latency{pod="<b>"}'}
    return example_routine(name, learned_at, **(hostile | changed))


def words(page) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page.text)))


@pytest.fixture
def learned(store):
    store.series_routines.record([routine()])
    return store


def test_routines_are_listed_the_newest_first_page_by_page(client, store) -> None:
    assert client.get("/v1/routines").json()["routines"] == []
    store.series_routines.record(
        [routine(f"r{day}", NOW - timedelta(days=day)) for day in range(5)]
    )
    first = client.get("/v1/routines", params={"limit": 3}).json()
    assert [one["id"] for one in first["routines"]] == ["r0", "r1", "r2"]
    assert first["routines"][0]["sentence"] == SENTENCE
    second = client.get("/v1/routines", params={"limit": 3, "cursor": first["next"]}).json()
    assert [one["id"] for one in second["routines"]] == ["r3", "r4"]
    assert second["next"] is None
    assert client.get("/v1/routines", params={"cursor": "bad"}).status_code == 422


def test_a_routine_is_revoked_once_and_the_audit_log_says_by_whom(client, learned) -> None:
    body = {"given_by": "Ana", "reason": "the job is too slow"}
    answer = client.post("/v1/routines/r1/revoke", json=body)
    assert answer.status_code == 200
    revoked = answer.json()["routine"]
    assert (revoked["revoked_by"], revoked["sentence"][-13:]) == ("Ana", "flagged again")
    again = client.post("/v1/routines/r1/revoke", json={"given_by": "Bo"}).json()["routine"]
    assert again == revoked
    (event,) = learned.audit_log.select(action="revoke routine")
    assert event.actor == "Ana"
    assert event.reason.startswith('latency{pod="<b>"}: daily 06:00')
    assert event.reason.endswith("(the job is too slow)")
    assert "routine revoked" in words(client.get("/audit"))


def test_a_revocation_is_taken_back(client, learned) -> None:
    unchanged = client.post("/v1/routines/r1/restore").json()["routine"]
    assert unchanged["ended_at"] is None
    client.post("/v1/routines/r1/revoke")
    restored = client.post("/v1/routines/r1/restore").json()["routine"]
    assert restored["revoked_at"] is None
    assert restored["ended_at"] is not None
    assert learned.series_routines.revoked() == ()
    (event,) = learned.audit_log.select(action="restore routine")
    assert event.actor == "api"


@pytest.mark.parametrize("act", ["revoke", "restore"])
def test_an_unknown_routine_is_not_found(client, act) -> None:
    answer = client.post(f"/v1/routines/none/{act}", json={"given_by": "Ana"})
    assert answer.status_code == 404
    assert "no routine 'none'" in answer.json()["detail"]
    page = client.post(f"/{act}-routine", data={"routine_id": "none"}, headers=OWN)
    assert page.status_code == 404


def test_the_inbox_announces_a_routine_for_a_week_with_a_button_to_revoke_it(
    client, learned
) -> None:
    page = client.get("/")
    assert f'latency{{pod="<b>"}}: {SENTENCE}' in words(page)
    assert "<b>" not in page.text
    data = {"routine_id": "r1", "next": "/", "given_by": "Ana"}
    answer = client.post("/revoke-routine", data=data, headers=OWN)
    assert answer.status_code == 200
    assert "flagged again" in words(answer)
    assert "revoked by Ana" in words(answer)
    assert "Take as routine again" in words(answer)
    assert learned.series_routines.get("r1").revoked_by == "Ana"
    answer = client.post("/restore-routine", data={"routine_id": "r1"}, headers=OWN)
    assert answer.url.path == "/routines"
    assert "ended" in words(answer)
    learned.series_routines.record([routine(learned_at=NOW - timedelta(days=8))])
    page = client.get("/")
    assert SENTENCE not in words(page)
    assert "Routines of watched series" in words(page)
    assert SENTENCE in words(client.get("/routines"))


def test_a_form_of_another_site_revokes_nothing(client, learned) -> None:
    foreign = {"Origin": "http://evil.example"}
    answer = client.post("/revoke-routine", data={"routine_id": "r1"}, headers=foreign)
    assert answer.status_code == 403
    assert learned.series_routines.revoked() == ()


def test_of_many_new_routines_the_inbox_shows_three(client, store) -> None:
    assert "outines" not in client.get("/").text
    store.series_routines.record(
        [routine(f"r{number}", NOW - timedelta(minutes=number)) for number in range(30)]
    )
    page = client.get("/")
    assert page.text.count("/revoke-routine") == 3
    assert "27 more new routines" in words(page)
    listed = client.get("/routines")
    assert listed.text.count("/revoke-routine") == 25
    older = re.findall(r'href="(/routines\?cursor=[^"]+)"', listed.text)
    assert client.get(older[0]).text.count("/revoke-routine") == 5

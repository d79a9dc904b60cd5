"""Similar incidents over HTTP: what is found, what is kept back, and what is refused."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from starlette.testclient import TestClient

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from serving.background import index_updater
from serving.background.index_updater import IndexUpdater

PAST = {
    "id": "INC1",
    "title": "card payments hang at the gateway",
    "description": "checkout times out, gateway pool exhausted, 40 threads wait",
    "service": "payments",
    "opened_at": "2026-03-01T08:00:00Z",
}
FIXED = {
    "resolution": "Called the vendor. Raised the gateway pool to 80. Customer informed.",
    "resolved_at": "2026-03-01T10:30:00Z",
    "assignment": "Payments",
}
NEW = {**PAST, "id": "INC2", "opened_at": "2026-03-05T08:00:00Z"}
UNRELATED = {"id": "INC3", "title": "printer jams on floor two", "description": "label printer"}


@pytest.fixture
def client(app_of, registry):
    with TestClient(app_of(registry)) as opened:
        yield opened


def put(client: TestClient, incident: dict, outcome: dict | None = None) -> None:
    answer = client.post("/v1/incidents", json={"incident": incident, "outcome": outcome})
    assert answer.status_code == 200, answer.text


def similar(client: TestClient, incident: dict, **asked: object) -> list[dict]:
    answer = client.post("/v1/similar", json={"incident": incident, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["similar"]


def ids(found: list[dict]) -> list[str]:
    return [entry["id"] for entry in found]


def test_an_upserted_incident_is_found_by_the_next_request(client: TestClient) -> None:
    put(client, PAST, FIXED)
    (entry,) = similar(client, NEW)
    assert entry["id"] == "INC1"
    assert entry["title"] == PAST["title"]
    assert entry["relatedness"] > 0.5
    assert entry["resolution"] == "Raised the gateway pool to 80."
    assert entry["resolved_by"] == "Payments"
    assert entry["hours_to_resolve"] == 2.5
    assert any("payments" in reason for reason in entry["why"])


def test_an_update_replaces_it(client: TestClient) -> None:
    put(client, PAST, FIXED)
    put(client, {**PAST, "title": "vpn drops", "description": "tunnel lost"}, FIXED)
    assert similar(client, NEW) == []
    assert ids(similar(client, {"title": "vpn drops", "description": "tunnel lost"})) == ["INC1"]


def test_a_deleted_one_is_found_no_more(client: TestClient) -> None:
    put(client, PAST, FIXED)
    assert client.delete("/v1/incidents/INC1").status_code == 200
    assert similar(client, NEW, cutoff=0) == []


def test_nothing_is_shown_when_nothing_fits(client: TestClient) -> None:
    put(client, PAST, FIXED)
    assert similar(client, UNRELATED) == []
    assert ids(similar(client, UNRELATED, cutoff=0)) == ["INC1"]


def test_only_incidents_opened_strictly_earlier_are_found(client: TestClient) -> None:
    put(client, PAST, FIXED)
    at_once = {**NEW, "opened_at": PAST["opened_at"]}
    before = {**NEW, "opened_at": "2026-02-01T00:00:00Z"}
    assert similar(client, at_once, cutoff=0) == []
    assert similar(client, before, cutoff=0) == []
    assert ids(similar(client, {**NEW, "opened_at": None}, cutoff=0)) == ["INC1"]


def test_an_incident_is_not_similar_to_itself(client: TestClient) -> None:
    put(client, PAST, FIXED)
    assert similar(client, {**NEW, "id": "INC1"}, cutoff=0) == []


def test_near_copies_are_one_entry_led_by_the_best_documented(client: TestClient) -> None:
    put(client, PAST, {"resolution": "done"})
    put(client, {**PAST, "id": "INC8", "opened_at": "2026-02-01T08:00:00Z"}, FIXED)
    put(client, {**PAST, "id": "INC9", "opened_at": "2026-03-02T08:00:00Z"}, {"category": "x"})
    (entry,) = similar(client, NEW)
    assert entry["id"] == "INC8"
    assert sorted(entry["copies"]) == ["INC1", "INC9"]


def test_a_note_without_action_says_so(client: TestClient) -> None:
    put(client, PAST, {"resolution": "closed, no response"})
    assert similar(client, NEW)[0]["resolution"] == "fix not recorded"
    assert not similar(client, NEW)[0]["has_fix"]


def test_a_limit_may_be_written_with_a_decimal_point(client: TestClient) -> None:
    put(client, PAST, FIXED)
    assert ids(similar(client, NEW, limit=2.0)) == ["INC1"]


def test_limit_counts_entries_and_falls_with_relatedness(client: TestClient) -> None:
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india"]
    words += ["juliet", "kilo", "lima"]
    for at, word in enumerate(words):
        text = f"gateway pool exhausted {word * 2} {word} {words[at - 1]}"
        put(client, {"id": f"N{at}", "title": f"card payment {word}", "description": text}, FIXED)
    entries = similar(client, NEW, limit=3, cutoff=0)
    assert len(entries) == 3
    relatedness = [entry["relatedness"] for entry in similar(client, NEW, limit=100, cutoff=0)]
    assert len(relatedness) == 12
    assert relatedness == pytest.approx(sorted(relatedness, reverse=True), abs=0.02)


OUT_OF_BOUNDS = (
    *({"limit": limit} for limit in (0, 101, 10_000, 2.5, "3", True)),
    *({"cutoff": cutoff} for cutoff in (-0.1, 1.1, "high", "0.5", True)),
    {"other": 1},
)


def test_what_is_out_of_bounds_is_refused(client: TestClient) -> None:
    for asked in OUT_OF_BOUNDS:
        answer = client.post("/v1/similar", json={"incident": NEW, **asked})
        assert answer.status_code == 422, asked
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("incident", [{}, {"title": ""}, {"title": "???"}, {"title": "🔥"}])
def test_an_incident_without_words_finds_nothing(client: TestClient, incident: dict) -> None:
    put(client, PAST, FIXED)
    put(client, {"id": "EMPTY"}, None)
    assert similar(client, incident) == []


def test_a_new_report_of_an_open_incident_names_it(client: TestClient) -> None:
    put(client, PAST)
    put(
        client,
        {**PAST, "id": "INC7", "opened_at": "2026-03-01T09:00:00Z"},
        {"duplicate_of": "INC1"},
    )
    incident = {**NEW, "opened_at": "2026-03-01T09:30:00Z"}
    match = client.post("/v1/similar", json={"incident": incident}).json()["open_match"]
    assert match["id"] == "INC1"
    assert match["opened_at"] == "2026-03-01T08:00:00Z"
    assert match["members"] == 2
    put(client, PAST, FIXED)
    assert client.post("/v1/similar", json={"incident": incident}).json()["open_match"] is None


def test_what_was_open_for_weeks_is_no_open_match(client: TestClient) -> None:
    put(client, PAST)
    incident = {**NEW, "opened_at": "2026-05-01T09:30:00Z"}
    answer = client.post("/v1/similar", json={"incident": incident}).json()
    assert ids(answer["similar"]) == ["INC1"]
    assert answer["open_match"] is None


def test_triage_brings_what_is_similar_and_stores_it(client: TestClient, store) -> None:
    put(client, PAST)
    incident = {**NEW, "opened_at": "2026-03-01T09:30:00Z"}
    answer = client.post("/v1/triage", json={"incident": incident}).json()
    assert ids(answer["similar"]) == ["INC1"]
    assert answer["open_match"]["id"] == "INC1"
    (prediction,) = store.predictions.get(answer["prediction_id"])
    assert (prediction.target, prediction.label, prediction.model_version) == (
        "similar",
        "INC1",
        "shipped",
    )
    assert prediction.answer["similar"][0]["id"] == "INC1"


def test_a_dismissed_match_is_not_named_again(client: TestClient) -> None:
    put(client, PAST)
    incident = {**NEW, "opened_at": "2026-03-01T09:30:00Z"}
    answer = client.post("/v1/triage", json={"incident": incident}).json()
    body = {"target": "open_match", "action": "dismiss", "subject": "INC1", "given_by": "ana"}
    response = client.post("/v1/feedback", json={"prediction_id": answer["prediction_id"], **body})
    assert response.status_code == 200, response.text
    again = client.post("/v1/similar", json={"incident": incident}).json()
    assert again["open_match"] is None
    assert again["similar"] == []


def test_nothing_stored_is_absent_with_a_reason(client: TestClient) -> None:
    answer = client.post("/v1/triage", json={"incident": NEW}).json()
    assert answer["similar"] is None
    assert "no incident is stored" in answer["absent"]["similar"]
    assert similar(client, NEW) == []


def test_a_restart_loses_nothing(app_of: Callable, registry) -> None:
    with TestClient(app_of(registry)) as first:
        put(first, PAST, FIXED)
    with TestClient(app_of(registry)) as second:
        assert ids(similar(second, NEW)) == ["INC1"]


def test_two_updates_at_one_moment_leave_one_whole(client: TestClient) -> None:
    texts = [{**PAST, "title": f"title {n}", "description": f"words{n} pool"} for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda incident: put(client, incident, FIXED), texts))
    stored = client.get("/v1/incidents/INC1").json()["incident"]
    number = stored["title"].removeprefix("title ")
    assert stored["description"] == f"words{number} pool"
    assert ids(similar(client, {"title": "pool", "description": stored["description"]}, cutoff=0))


def test_a_great_import_is_found_piece_by_piece(client: TestClient, store) -> None:
    letters = product("bcdfghjklmnpqrst", "aeiou", "mnrx")
    titles = [f"printer {''.join(word)} jams" for word in letters]
    store.incidents.upsert(
        [
            ResolvedIncident(IncidentReport(id=f"I{n}", title=title), Outcome())
            for n, title in enumerate(titles)
        ]
    )
    deadline = time.monotonic() + 60
    while len(similar(client, {"title": "printer box jams"}, cutoff=0, limit=50)) < 50:
        assert time.monotonic() < deadline


@pytest.mark.quality
def test_a_burst_of_writes_is_found_whole(client: TestClient) -> None:
    for n, word in enumerate("bcdfghjklmnpqrst"):
        for m in range(6):
            put(client, {"id": f"B{n}-{m}", "title": f"{word}o{word}a jams {'xyzuvw'[m]}ix"}, FIXED)
    put(client, PAST, FIXED)
    assert ids(similar(client, NEW)) == ["INC1"]


def test_an_index_that_is_far_behind_says_so(app_of, registry, store, monkeypatch) -> None:
    monkeypatch.setattr(index_updater, "_MOST_WAITED_FOR", 3)
    monkeypatch.setattr(IndexUpdater, "poll", lambda self: None)
    with TestClient(app_of(registry)) as client:
        for n in range(5):
            put(client, {"id": f"N{n}", "title": f"title {n}"})
        answer = client.post("/v1/similar", json={"incident": NEW})
        assert answer.status_code == 503
        assert "index" in answer.json()["detail"]
        triage = client.post("/v1/triage", json={"incident": NEW}).json()
        assert triage["similar"] is None
        assert triage["absent"]["similar"]
        assert "index" in client.get("/health/ready").json()["problems"]


def test_a_page_of_another_site_is_refused(client: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = client.post("/v1/incidents", json={"incident": PAST}, headers=headers)
    assert answer.status_code == 403
    own = client.post(
        "/v1/incidents", json={"incident": PAST}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert own.status_code == 200

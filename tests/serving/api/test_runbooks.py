"""Runbooks over HTTP: what is suggested, why, what is refused, and how a new set is pollers."""

import time
from collections.abc import Callable

import pytest
from factories import runbook
from starlette.testclient import TestClient

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import StoreUnavailable
from features.imports.runbooks.markdown import parse_runbook
from features.store.store import Store
from models.runbooks.runbook_model import RunbookModel
from serving.app import create_app
from serving.runtime.settings import ServingSettings

HOSTILE = "<script>alert(1)</script>\"'>{{7*7}}"


RUNBOOKS = [
    runbook("vpn/tunnel", "Tunnel drops", "Remote users lose the VPN tunnel to the branch."),
    runbook("disk/DiskFillingUp", "DiskFillingUp", "A volume will soon have no space left."),
    runbook("db/lag", "Replication lag", "The standby database is behind the primary."),
    runbook(
        "pay/gateway",
        "Payments fail",
        "Card payments time out.",
        "https://wiki.example.com/Pay%20Gateway/",
    ),
]
ALERT = {"id": "A1", "title": "DiskFillingUp", "description": "volume /var on srv-db-012"}
ODD = {"id": "A2", "title": "Coffee machine leaks", "description": "Water on the floor."}


@pytest.fixture
def stocked(store: Store) -> Store:
    store.runbooks.replace_all(RUNBOOKS)
    return store


@pytest.fixture
def client(app_of, registry, stocked):
    with TestClient(app_of(registry)) as opened:
        yield opened


def suggested(client: TestClient, incident: dict, **asked: object) -> list[dict]:
    answer = client.post("/v1/runbooks", json={"incident": incident, **asked})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"runbooks", "request_id"}
    return answer.json()["runbooks"]


def ids(found: list[dict]) -> list[str]:
    return [entry["id"] for entry in found]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_right_one_comes_with_a_reason_and_steps(client: TestClient) -> None:
    first, *_ = suggested(client, ALERT)
    assert (first["id"], first["title"]) == ("disk/DiskFillingUp", "DiskFillingUp")
    assert 0.5 <= first["relevance"] <= 1
    assert first["why"][0] == "named alike: DiskFillingUp"
    assert any("no space left" in reason for reason in first["why"])
    assert first["steps"] == ["Restart it.", "systemctl restart it"]
    assert first["url"] is None


def test_nothing_is_suggested_when_nothing_fits(client: TestClient) -> None:
    assert suggested(client, ODD) == []
    assert len(suggested(client, ODD, cutoff=0)) == len(RUNBOOKS)


def test_limit_and_cutoff_count(client: TestClient) -> None:
    whole = suggested(client, ALERT, cutoff=0, limit=100)
    relevance = [entry["relevance"] for entry in whole]
    assert relevance == sorted(relevance, reverse=True)
    assert suggested(client, ALERT, cutoff=0, limit=2) == whole[:2]
    assert ids(suggested(client, ALERT, cutoff=relevance[0])) == [whole[0]["id"]]
    assert suggested(client, ALERT, cutoff=1) == []


OUT_OF_BOUNDS = (
    *({"limit": limit} for limit in (0, 101, 10_000, 2.5, "3", True)),
    *({"cutoff": cutoff} for cutoff in (-0.1, 1.1, "high", "0.5", True)),
    {"other": 1},
)


def test_what_is_out_of_bounds_is_refused(client: TestClient) -> None:
    for asked in OUT_OF_BOUNDS:
        answer = client.post("/v1/runbooks", json={"incident": ALERT, **asked})
        assert answer.status_code == 422, asked
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("incident", [{}, {"title": ""}, {"title": "???"}, {"title": "🔥"}])
def test_an_incident_without_words_finds_none(client: TestClient, incident: dict) -> None:
    assert suggested(client, incident) == []


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://github.com/acme/runbooks/blob/main/db/lag.md", "db/lag"),
        ("https://wiki.example.com/Pay%20Gateway", "pay/gateway"),
    ],
)
def test_the_address_of_an_alert_settles_it(client: TestClient, url: str, wanted: str) -> None:
    first, *_ = suggested(client, ODD | {"attributes": {"runbook_url": url}})
    assert (first["id"], first["relevance"]) == (wanted, 0.99)
    assert first["why"][0] == "the report links to it"


@pytest.mark.parametrize("url", ["https://wiki.example.com/gone", "javascript:alert(1)", HOSTILE])
def test_an_address_of_no_runbook_settles_nothing(client: TestClient, url: str) -> None:
    assert suggested(client, ODD | {"attributes": {"runbook_url": url}}) == []
    runbooks = suggested(client, ALERT | {"attributes": {"runbook_url": url}})
    assert ids(runbooks)[:1] == ["disk/DiskFillingUp"]


def test_markup_is_only_text(app_of, registry, store) -> None:
    store.runbooks.replace_all([runbook("x/hostile", HOSTILE, f"{HOSTILE} volume full", HOSTILE)])
    with TestClient(app_of(registry)) as client:
        (entry,) = suggested(client, {"title": HOSTILE, "description": HOSTILE}, cutoff=0)
        assert (entry["title"], entry["url"]) == (HOSTILE, HOSTILE)
        answer = client.post("/v1/runbooks", json={"incident": {"title": HOSTILE}})
        assert answer.headers["content-type"] == "application/json"


def test_nothing_stored_is_an_empty_list_and_absent_with_a_reason(app_of, registry) -> None:
    with TestClient(app_of(registry)) as client:
        assert suggested(client, ALERT, cutoff=0) == []
        answer = client.post("/v1/triage", json={"incident": ALERT}).json()
    assert answer["runbooks"] is None
    assert "--runbooks DIR" in answer["absent"]["runbooks"]


def test_triage_brings_them_and_stores_the_answer(client: TestClient, stocked) -> None:
    answer = client.post("/v1/triage", json={"incident": ALERT, "include": ["runbooks"]}).json()
    assert ids(answer["runbooks"])[:1] == ["disk/DiskFillingUp"]
    assert "runbooks" not in answer["absent"]
    (prediction,) = stocked.predictions.get(answer["prediction_id"])
    assert (prediction.target, prediction.label) == ("runbooks", "disk/DiskFillingUp")
    assert (prediction.model_version, prediction.decision) == ("shipped", "suggest")


def test_another_set_of_runbooks_is_followed(client: TestClient, stocked) -> None:
    assert ids(suggested(client, ALERT))[:1] == ["disk/DiskFillingUp"]
    stocked.runbooks.replace_all([*RUNBOOKS[2:], runbook("ops/coffee", "Coffee machine leaks", "")])
    wait_until(lambda: ids(suggested(client, ODD)) == ["ops/coffee"])
    assert "disk/DiskFillingUp" not in ids(suggested(client, ALERT, cutoff=0))
    stocked.runbooks.replace_all([])
    wait_until(lambda: suggested(client, ODD, cutoff=0) == [])


def test_a_champion_takes_the_place_of_the_shipped_constants(client, registry, stocked) -> None:
    model = RunbookModel(encoder="hashing").fit([])
    model.cutoff_ = 1.0
    registry.promote("runbooks", "5", model)
    wait_until(lambda: suggested(client, ALERT) == [])
    answer = client.post("/v1/triage", json={"incident": ALERT, "include": ["runbooks"]}).json()
    assert answer["models"]["runbooks"]["version"] == "5"
    (prediction,) = stocked.predictions.get(answer["prediction_id"])
    assert (prediction.model_version, prediction.decision) == ("5", "abstain")


def test_a_refused_champion_is_absent_with_a_reason(app_of, registry, stocked) -> None:
    registry.promote("runbooks", "5", RunbookModel(encoder="hashing").fit([]))
    registry.broken.add(("runbooks", "5"))
    with TestClient(app_of(registry)) as client:
        answer = client.post("/v1/triage", json={"incident": ALERT}).json()
    assert answer["runbooks"] is None
    assert "refused" in answer["absent"]["runbooks"]


def test_what_was_used_before_moves_it(client: TestClient, stocked) -> None:
    incident = {"id": "A9", "title": "branch offline again", "description": "site Graz, line dead"}
    before = {entry["id"]: entry["relevance"] for entry in suggested(client, incident, cutoff=0)}
    past = IncidentReport("A3", None, "branch offline", "site Graz, line dead")
    stocked.incidents.upsert([ResolvedIncident(past, Outcome(runbook_id="vpn/tunnel"))])

    def has_moved() -> bool:
        now = {entry["id"]: entry["relevance"] for entry in suggested(client, incident, cutoff=0)}
        return now["vpn/tunnel"] > before["vpn/tunnel"]

    wait_until(has_moved)
    first, *_ = suggested(client, incident, cutoff=0)
    assert first["id"] == "vpn/tunnel"
    assert any("A3" in reason for reason in first["why"])


def test_what_was_deleted_is_not_named_even_before_the_next_look(
    tmp_path, registry, stocked
) -> None:
    incident = {"id": "A9", "title": "branch offline again", "description": "site Graz, line dead"}
    outcome = Outcome(runbook_id="vpn/tunnel")
    for name in ("A3", "A4"):
        past = IncidentReport(name, None, "branch offline", f"site Graz, line dead {name}")
        stocked.incidents.upsert([ResolvedIncident(past, outcome)])
    settings = ServingSettings(home=tmp_path / "home", poll_seconds=60.0)
    with TestClient(create_app(settings, registry=registry, store=stocked)) as client:
        for name, other in (("A3", "A4"), ("A4", "A3")):
            text = str(suggested(client, incident, cutoff=0))
            assert f"used for {name}" in text or f"used for {other}" in text
            assert client.delete(f"/v1/incidents/{name}").status_code == 200
            assert f"used for {name}" not in str(suggested(client, incident, cutoff=0))
        assert "used for" not in str(suggested(client, incident, cutoff=0))


def test_without_a_store_the_shelf_answers(client: TestClient, stocked, monkeypatch) -> None:
    def break_off(_revision: int) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(stocked.incidents, "deleted_since", break_off)
    assert ids(suggested(client, ALERT))[:1] == ["disk/DiskFillingUp"]


def test_who_thinks_better_of_it_is_followed(client: TestClient, stocked) -> None:
    first = {"id": "A3", "title": "branch offline", "description": "site Graz, line dead"}
    assert client.post("/v1/incidents", json={"incident": first}).status_code == 200
    answer = client.post(
        "/v1/triage",
        json={"incident": first | {"attributes": {"runbook_url": "vpn/tunnel"}}},
    ).json()
    assert ids(answer["runbooks"]) == ["vpn/tunnel"]

    def relevance() -> float:
        runbooks = suggested(client, first | {"id": "A4"}, cutoff=0)
        return next(entry["relevance"] for entry in runbooks if entry["id"] == "vpn/tunnel")

    def say(action: str) -> None:
        fields = {"target": "runbooks", "subject": "vpn/tunnel", "given_by": "ana"}
        body = {"prediction_id": answer["prediction_id"], "action": action} | fields
        assert client.post("/v1/feedback", json=body).status_code == 200

    before = relevance()
    say("accept")
    wait_until(lambda: relevance() > before)
    say("dismiss")
    wait_until(lambda: relevance() < before)


def test_the_section_of_the_alert_is_answered_and_linked(app_of, registry, store: Store) -> None:
    page = parse_runbook(
        "# Queue alerts\n\n## QueueConsumerLag\n\n1. Add two consumers.\n\n"
        "## QueueDiskAlmostFull\n\n1. Delete expired segments.\n",
        "queue",
    )
    store.runbooks.replace_all([page])
    address = "https://github.com/acme/ops/blob/main/runbooks/queue.md#queuediskalmostfull"
    with TestClient(app_of(registry)) as client:
        first, *_ = suggested(client, {"title": "x", "attributes": {"runbook_url": address}})
    assert (first["id"], first["url"]) == ("queue", address)
    assert first["steps"] == ["Delete expired segments."]
    assert first["why"][:2] == [
        "the report links to it",
        "section QueueDiskAlmostFull: the link names it",
    ]

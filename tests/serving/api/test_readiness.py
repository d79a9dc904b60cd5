"""What is not indexed yet is never answered as an empty list."""

import pytest
from factories import incident
from fakes import HandMovedRegistry
from starlette.testclient import TestClient

from features.domain.runbook import Runbook, Section, SectionRole
from models.runbooks.runbook_model import RunbookModel
from serving.background import index_updater
from serving.background.index_updater import IndexUpdater
from serving.background.runbook_index import RunbookPoller

NEW = {"title": "disk full on database"}
RUNBOOK = Runbook("disk", "Disk full", (Section("Meaning", "a disk is full", SectionRole.MEANING),))


@pytest.fixture
def unready(app_of, registry: HandMovedRegistry, store, monkeypatch: pytest.MonkeyPatch):
    """A server whose indexes are still being built, with champions of both lists."""
    store.runbooks.replace_all([RUNBOOK])
    store.incidents.upsert([incident(f"INC{n}", f"disk {n} full") for n in range(5)])
    registry.promote("runbooks", "1", RunbookModel(encoder="hashing").fit(()))
    monkeypatch.setattr(index_updater, "_MOST_WAITED_FOR", 3)
    for poller in (IndexUpdater, RunbookPoller):
        monkeypatch.setattr(poller, "poll", lambda self: None)
    with TestClient(app_of(registry)) as client:
        yield client


def test_a_server_without_its_indexes_is_not_ready(unready: TestClient) -> None:
    answer = unready.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert {"index", "runbook_index"} <= answer.json()["problems"].keys()


@pytest.mark.parametrize("path", ["/v1/similar", "/v1/runbooks"])
def test_a_search_without_its_index_is_answered_later(unready: TestClient, path: str) -> None:
    answer = unready.post(path, json={"incident": NEW})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_triage_without_the_indexes_says_why(unready: TestClient) -> None:
    answer = unready.post("/v1/triage", json={"incident": NEW}).json()
    for part in ("similar", "runbooks"):
        assert answer[part] is None
        assert "not ready" in answer["absent"][part]
    assert answer["open_match"] is None


def test_a_changed_folder_of_runbooks_is_answered_from_the_former_index(
    app_of, registry: HandMovedRegistry, store
) -> None:
    used = incident("INC1", "disk full on database", runbook_id="disk")
    store.runbooks.replace_all([RUNBOOK])
    store.incidents.upsert([used])
    with TestClient(app_of(registry, poll_seconds=60)) as client:
        poller = client.app.state.container.runbook_index
        poller.poll()
        published = []
        original = RunbookPoller._write_encodings

        def observe(self, *given) -> None:
            published.append(self.index())
            original(self, *given)

        poller._write_encodings = observe.__get__(poller)
        store.runbooks.replace_all([RUNBOOK, Runbook("vpn", "VPN down")])
        assert len(poller.index()) == 1
        poller.poll()
        # The new index is published once, with the past uses.
        assert [len(index) for index in published] == [2]
        assert [len(index.past.uses) for index in published] == [1]

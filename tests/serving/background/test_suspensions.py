"""Suspended versions as the service sees them."""

from dataclasses import replace

from factories import NOON
from fakes import wait_until_triaged

from features.domain.suspension import Suspension
from features.errors import StoreUnavailable
from features.store.learning.suspensions import SuspensionRepository

CATEGORY = Suspension("category", "7", "5 of 40 answers were right", NOON)
SEVERITY = replace(CATEGORY, target="severity", version="3")
VPN = {"incident": {"title": "vpn"}}


def suspend(client, store, *suspensions):
    for suspension in suspensions:
        store.suspensions.record(suspension)
    client.app.state.container.suspensions.poll()


def test_every_label_answer_of_a_suspended_version_abstains_and_says_why(client, store):
    suspend(client, store, CATEGORY, SEVERITY)
    response = client.post("/v1/triage", json=VPN).json()
    for target in ("category", "severity"):
        answer = response[target]
        assert (answer["decision"], answer["certificate"]) == ("abstain", None)
        assert answer["why"][0] == (
            f"{target} is suspended since 2026-03-02: 5 of 40 answers were right"
        )
    assert response["fields"]["subcategory"]["decision"] == "auto"
    stored = store.predictions.get(response["prediction_id"])
    decisions = {record.target: record.decision for record in stored}
    assert (decisions["category"], decisions["severity"]) == ("abstain", "abstain")


def test_the_pages_of_an_incident_say_why(client, store):
    suspend(client, store, CATEGORY)
    client.post("/v1/incidents", json={"incident": {"id": "INC1", "title": "vpn"}})
    wait_until_triaged(store)
    page = client.get("/incidents/INC1").text
    assert "category is suspended since 2026-03-02" in page


def test_another_version_is_not_suspended(client, store):
    suspend(client, store, replace(CATEGORY, version="6"))
    assert client.post("/v1/triage", json=VPN).json()["category"]["decision"] == "auto"
    assert client.get("/health/ready").json()["suspended"] == []
    models = client.get("/v1/models").json()["models"]
    assert {model["target"]: model["suspended"] for model in models}["category"] is None


def test_each_target_with_a_champion_has_a_gauge(client, store):
    suspend(client, store, SEVERITY)
    scraped = client.get("/metrics").text
    assert 'precedent_suspended{target="severity"} 1.0' in scraped
    assert 'precedent_suspended{target="category"} 0.0' in scraped


def test_a_store_that_fails_lifts_nothing(client, store, monkeypatch):
    suspend(client, store, CATEGORY)

    def fail(_self):
        raise StoreUnavailable("busy")

    with monkeypatch.context() as patch:
        patch.setattr(SuspensionRepository, "all", fail)
        client.app.state.container.suspensions.poll()
    assert client.post("/v1/triage", json=VPN).json()["category"]["decision"] == "abstain"


def test_a_lifted_suspension_ends_at_the_next_poll(client, store):
    suspend(client, store, CATEGORY)
    assert store.suspensions.lift("category", "7")
    client.app.state.container.suspensions.poll()
    assert client.post("/v1/triage", json=VPN).json()["category"]["decision"] == "auto"

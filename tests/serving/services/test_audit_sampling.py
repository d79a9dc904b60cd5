"""The audit sample as callers meet it: what is held back, stored, and said of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from fakes import wait_until_triaged
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.domain.modes import Mode, ModeSetting
from features.domain.report import IncidentReport
from features.text.near_copy_key import near_copy_key
from models.base.predictions import Alternative, Decision
from serving.schemas.answers import SeverityAnswer
from serving.services.audit_sampling import HELD_BACK, AuditSample, has_top_severity


@pytest.fixture
def audited(app_of: Callable[..., FastAPI], trained_registry, store) -> Iterator[TestClient]:
    """Asks an app that holds every answer back that would be acted upon."""
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    with TestClient(app_of(trained_registry, audit_share=1.0)) as opened:
        yield opened


def triage(client, **incident):
    response = client.post("/v1/triage", json={"incident": {"title": "vpn", "id": "I1"} | incident})
    assert response.status_code == 200, response.text
    return response.json()


def test_a_drawn_answer_is_null_with_its_reason_however_often_it_is_asked(audited):
    for _ in range(2):
        answer = triage(audited)
        assert answer["category"] is None
        assert answer["absent"]["category"] == HELD_BACK
        assert "Network" not in str({**answer, "fields": {}})
        assert answer["severity"]["label"] == "Middle"
        assert answer["models"]["category"]["version"] == "7"


def test_a_drawn_answer_is_stored_whole(audited, store):
    records = store.predictions.get(triage(audited)["prediction_id"])
    stored = {record.target: record for record in records}
    category, severity = stored["category"], stored["severity"]
    assert (category.label, category.decision, category.mode) == ("Network v7", "auto", "auto")
    assert category.answer["certificate"]["precision_at_least"] == 0.92
    assert (category.audit_share, severity.audit_share) == (1.0, None)
    assert 0 < category.seconds < 60
    assert audited.get("/metrics").text.count('decision="auto",mode="auto",target="category"')


def test_only_what_would_be_acted_upon_is_drawn(audited, store):
    assert triage(audited, title="printer")["category"]["decision"] == "abstain"
    assert triage(audited)["fields"]["subcategory"]["decision"] == "auto"
    store.modes.set(ModeSetting("category", "Network v7", Mode.RECOMMEND, datetime.now(UTC)))
    audited.app.state.container.modes.poll()
    assert triage(audited)["category"]["decision"] == "auto"


WORDS = ("mail", "disk", "lamp", "door", "tape", "fax", "crane", "oven", "clock", "bell")


@pytest.mark.quality
def test_in_a_batch_each_text_is_drawn_by_itself(app_of, trained_registry, store):
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    incidents = [
        {"title": f"vpn {WORDS[number % 10]} {WORDS[number // 10]}", "id": f"I{number}"}
        for number in range(40)
    ]
    with TestClient(app_of(trained_registry, audit_share=0.3)) as client:
        results = client.post("/v1/triage/batch", json={"incidents": incidents}).json()["results"]
    sample = AuditSample("default", 0.3)
    for incident, result in zip(incidents, results, strict=True):
        report = IncidentReport(incident["id"], title=incident["title"])
        is_drawn = sample.includes("category", near_copy_key(report))
        assert (result["triage"]["category"] is None) == is_drawn
        assert ("category" in result["triage"]["absent"]) == is_drawn
    drawn = [answer for answer in store.predictions.audited("category") if answer.share == 0.3]
    assert 4 <= len(drawn) <= 20


@pytest.mark.quality
def test_a_field_that_is_drawn_is_named_in_full(app_of, trained_registry, store):
    store.modes.set(ModeSetting("fields.subcategory", None, Mode.AUTO, datetime.now(UTC)))
    with TestClient(app_of(trained_registry, audit_share=1.0)) as client:
        answer = triage(client)
    assert answer["fields"] == {}
    assert answer["absent"]["fields.subcategory"] == HELD_BACK


def test_what_was_not_shown_can_only_be_corrected(audited, store):
    body = {"prediction_id": triage(audited)["prediction_id"], "target": "category"}
    for action in ("accept", "dismiss"):
        refused = audited.post("/v1/feedback", json=body | {"action": action})
        assert refused.status_code == 422
        assert "was not shown" in refused.text
    right = body | {"action": "correct", "label": "Network v7", "given_by": "ana"}
    assert audited.post("/v1/feedback", json=right).status_code == 200
    (answer,) = store.predictions.audited("category")
    assert answer.truth == answer.label == "Network v7"
    counted = 'precedent_labels_total{source="audited",target="category"} 1.0'
    assert counted in audited.get("/metrics").text


def test_an_alert_is_answered_and_held_back_too(audited, store):
    body = {"alerts": [{"labels": {"alertname": "vpn down"}}], "groupKey": "g", "status": "firing"}
    done = audited.post("/hooks/alertmanager", json=body).json()
    assert done["effect"] == "opened"
    wait_until_triaged(store)
    (answer,) = store.predictions.audited("category")
    assert answer.incident_id == done["incident_id"]


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.0, 0, 0), (0.05, 60, 145), (1.0, 2000, 2000)]
)
def test_the_share_is_met_and_targets_are_drawn_apart(share, least, most):
    ids = [f"INC{number}" for number in range(2_000)]
    category, severity = (
        {id_ for id_ in ids if AuditSample("default", share).includes(target, id_)}
        for target in ("category", "severity")
    )
    assert least <= len(category) <= most
    assert share in (0.0, 1.0) or len(category & severity) < 20
    assert share in (0.0, 1.0) or category != {
        id_ for id_ in ids if AuditSample("other", share).includes("category", id_)
    }


def test_same_text_under_another_id_reveals_nothing(app_of, trained_registry, store):
    store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
    with TestClient(app_of(trained_registry, audit_share=0.5)) as client:
        for words in WORDS:
            answers = [
                triage(client, id=f"{words}-{number}", title=f"VPN {words} {number}")["category"]
                for number in range(6)
            ]
            assert len({answer is None for answer in answers}) == 1


@pytest.mark.parametrize("word", ["critical", "P1", "High"])
def test_incident_whose_sender_states_the_top_severity_is_exempt(audited, word):
    answer = triage(audited, attributes={"severity": word})
    # The model's highest level is "High".
    assert (answer["category"] is None) == (word == "High")


def severity(rank: int, stated_rank: int | None = None) -> SeverityAnswer:
    others = (Alternative("low", 0.1), Alternative("mid", 0.1))
    return SeverityAnswer(
        "x", 0.8, Decision.SUGGEST, others, rank=rank, stated_rank=stated_rank, mode=Mode.MONITOR
    )


@pytest.mark.parametrize(
    ("answer", "is_exempt"),
    [
        (severity(2), True),
        (severity(1, 2), True),
        (severity(1, 1), False),
        (severity(0), False),
        (None, False),
    ],
)
def test_top_severity_by_our_answer_or_as_stated_is_exempt(answer, is_exempt):
    assert has_top_severity(IncidentReport("I1", title="vpn"), answer) is is_exempt


def test_reveal_shows_the_answer_and_takes_it_out_of_the_sample(audited, store):
    prediction_id, copy_id = triage(audited)["prediction_id"], triage(audited, id="I2")
    path = f"/v1/predictions/{prediction_id}/reveal"
    body = {"target": "category", "given_by": "ana", "reason": "the plant stands still"}
    revealed = audited.post(path, json=body).json()
    assert (revealed["answer"]["label"], revealed["given_by"]) == ("Network v7", "ana")
    assert store.predictions.audited("category") == ()
    (event,) = store.audit_log.select(action="reveal")
    assert (event.actor, event.target, event.version) == ("ana", "category", "7")
    assert event.reason == "the plant stands still"
    assert event.at.isoformat() == revealed["given_at"].replace("Z", "+00:00")
    assert copy_id["category"] is None
    assert triage(audited)["category"]["label"] == "Network v7"
    assert triage(audited, id="I3")["category"]["label"] == "Network v7"
    assert triage(audited, title="vpn elsewhere")["category"] is None


def test_answer_that_a_person_decided_before_a_reveal_still_counts(audited, store):
    first, second = triage(audited), triage(audited, id="I2")
    body = {"target": "category", "action": "correct", "label": "Mail", "given_by": "ana"}
    feedback = body | {"prediction_id": first["prediction_id"]}
    assert audited.post("/v1/feedback", json=feedback).status_code == 200
    path = f"/v1/predictions/{second['prediction_id']}/reveal"
    assert audited.post(path, json={"target": "category"}).json()["given_by"] == "api"
    assert [answer.incident_id for answer in store.predictions.audited("category")] == ["I1"]


def test_only_an_answer_that_is_held_back_can_be_revealed(audited):
    prediction_id = triage(audited)["prediction_id"]
    path = f"/v1/predictions/{prediction_id}/reveal"
    assert audited.post(path, json={"target": "severity"}).status_code == 422
    assert audited.post(path, json={"target": "assignment"}).status_code == 404
    assert audited.post(path, json={"target": "category"}).status_code == 200
    again = audited.post(path, json={"target": "category"})
    assert again.status_code == 422
    assert "is not held back" in again.text

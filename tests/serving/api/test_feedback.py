"""Feedback over HTTP: what is kept, replaced and refused."""

from datetime import datetime

import pytest
from starlette.testclient import TestClient

from features.domain.runbook import Runbook, Section, SectionRole

INCIDENT = {"id": "INC1", "title": "vpn down in Graz", "description": "tunnel lost"}
RUNBOOKS = [
    ("net/vpn", "vpn down in Graz", "The tunnel is lost."),
    ("mail/queue", "Mail queue grows", "The relay refuses outgoing mail."),
    ("disk/full", "Disk full", "A volume has no space left."),
]


@pytest.fixture
def answered(client: TestClient, store) -> dict:
    """The answer to an incident with a similar one, an open match and a runbook."""
    store.runbooks.replace_all(
        [
            Runbook(path, title, (Section("Meaning", text, SectionRole.MEANING),))
            for path, title, text in RUNBOOKS
        ]
    )
    client.app.state.container.runbook_index.poll()
    past = INCIDENT | {"id": "INC0", "opened_at": "2026-03-01T08:00:00Z"}
    assert client.post("/v1/incidents", json={"incident": past}).status_code == 200
    incident = INCIDENT | {"opened_at": "2026-03-01T09:00:00Z"}
    assert client.post("/v1/incidents", json={"incident": incident}).status_code == 200
    answer = client.post("/v1/triage", json={"incident": incident}).json()
    assert answer["open_match"]["id"] == "INC0"
    assert answer["runbooks"][0]["id"] == "net/vpn"
    return answer


def give(client: TestClient, answered: dict, **said: object):
    body = {"prediction_id": answered["prediction_id"], "target": "category", "action": "accept"}
    return client.post("/v1/feedback", json=body | said)


def assert_problem(answer, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"]
    assert all(word in answer.text for word in words)


def test_it_is_kept_with_who_and_when(client, answered, store) -> None:
    answer = give(client, answered, given_by="ana")
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["prediction_id"] == answered["prediction_id"]
    assert (receipt["incident_id"], receipt["target"], receipt["action"]) == (
        "INC1",
        "category",
        "accept",
    )
    (feedback,) = store.feedback.select(incident_id="INC1")
    assert (feedback.given_by, feedback.source) == ("ana", "api")
    assert feedback.given_at == datetime.fromisoformat(receipt["given_at"])
    assert feedback.given_at.tzinfo is not None


def test_who_has_no_name_is_the_api(client, answered, store) -> None:
    assert give(client, answered).json()["given_by"] == "api"
    assert give(client, answered, given_by=None).status_code == 200
    assert len(store.feedback.select()) == 1


def test_a_label_that_nothing_stored_knows_is_told_to_be_new(client, answered) -> None:
    def is_new(**said: object) -> bool:
        return give(client, answered, **said).json()["is_new_label"]

    past = {"incident": {"id": "INC7"}, "outcome": {"category": "Telephony"}}
    assert client.post("/v1/incidents", json=past).status_code == 200
    assert is_new(given_by="ana") is False
    assert is_new(action="correct", label="Telephony") is False
    assert is_new(action="correct", label="Netwrk", given_by="ana") is True
    assert is_new(action="correct", label="Netwrk", given_by="ben") is False
    assert is_new(target="runbooks", action="correct", label="disk/full") is False


def test_saying_it_again_is_saying_it_once(client, answered, store) -> None:
    for _ in range(3):
        assert give(client, answered, given_by="ana").status_code == 200
    assert len(store.feedback.select()) == 1
    give(client, answered, given_by="ana", action="correct", label="Printing")
    (feedback,) = store.feedback.select()
    assert (feedback.action, feedback.label) == ("correct", "Printing")
    give(client, answered, given_by="tom")
    assert {feedback.given_by for feedback in store.feedback.select()} == {"ana", "tom"}


@pytest.mark.parametrize("label", [None, "", "  "])
def test_a_correction_without_the_right_label_is_refused(client, answered, store, label) -> None:
    assert_problem(give(client, answered, action="correct", label=label), 422, "label")
    assert store.feedback.select() == ()


def test_a_correction_without_a_label_is_refused_before_the_answer_is_looked_up(client) -> None:
    body = {"prediction_id": "never given", "target": "category", "action": "correct"}
    refusal = client.post("/v1/feedback", json=body)
    assert refusal.status_code == 422
    assert refusal.json()["errors"] == [{"path": "label", "message": "name the right label"}]


@pytest.mark.parametrize("action", ["like", "", None, 1, "ACCEPT"])
def test_an_unknown_action_is_refused(client, answered, store, action) -> None:
    assert_problem(give(client, answered, action=action), 422, "action")
    assert store.feedback.select() == ()


@pytest.mark.parametrize(
    "said",
    [
        {"prediction_id": "never-given"},
        {"target": "assignment"},
        {"target": "nonsense"},
    ],
    ids=str,
)
def test_an_answer_that_was_not_given_is_not_found(client, answered, store, said) -> None:
    assert_problem(give(client, answered, **said), 404, "prediction")
    assert store.feedback.select() == ()


@pytest.mark.parametrize("said", [{"helped": "yes"}, {"other": 1}, {"target": 7}], ids=str)
def test_wrong_fields_are_refused(client, answered, said) -> None:
    assert_problem(give(client, answered, **said), 422)


@pytest.mark.parametrize(
    ("target", "subject"),
    [("similar", "INC0"), ("open_match", "INC0"), ("open_match", None), ("runbooks", "net/vpn")],
)
def test_entries_are_judged_one_by_one(client, answered, store, target, subject) -> None:
    body = {"target": target, "subject": subject, "action": "dismiss", "given_by": "ana"}
    assert give(client, answered, **body).status_code == 200
    (feedback,) = store.feedback.select(target=target)
    assert feedback.subject == (subject or "INC0")


@pytest.mark.parametrize(
    ("target", "subject"),
    [("similar", "INC404"), ("open_match", "INC404"), ("runbooks", "x"), ("category", "INC0")],
)
def test_an_entry_that_was_not_shown_is_refused(client, answered, store, target, subject) -> None:
    assert_problem(give(client, answered, target=target, subject=subject), 422, "subject")
    assert store.feedback.select() == ()


def test_the_right_runbook_is_one_that_is_stored(client, answered, store) -> None:
    body = {"target": "runbooks", "action": "correct"}
    assert_problem(give(client, answered, **body, label="net/nowhere"), 422, "label", "runbook")
    assert store.feedback.select() == ()
    assert give(client, answered, **body, label="disk/full").status_code == 200
    assert store.feedback.select(target="runbooks")[0].label == "disk/full"


def test_whether_a_runbook_helped_is_kept(client, answered, store) -> None:
    body = {"target": "runbooks", "subject": "net/vpn", "helped": False}
    assert give(client, answered, **body).status_code == 200
    assert store.feedback.select(target="runbooks")[0].helped is False


def test_markup_is_kept_as_text(client, answered, store) -> None:
    hostile = "<script>alert(1)</script>"
    body = {"action": "correct", "label": hostile, "given_by": hostile}
    assert give(client, answered, **body).status_code == 200
    (feedback,) = store.feedback.select()
    assert (feedback.label, feedback.given_by) == (hostile, hostile)


def test_a_deleted_incident_takes_its_feedback_along(client, answered, store) -> None:
    give(client, answered)
    assert client.delete("/v1/incidents/INC1").status_code == 200
    assert store.feedback.select() == ()
    assert_problem(give(client, answered), 404)

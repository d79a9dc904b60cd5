"""Labels from the page: the audit sample, which tells nothing of our answer, and the queue."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from factories import incident, prediction
from starlette.testclient import TestClient

from features.domain.labels import LabelSource
from features.domain.modes import Mode, ModeSetting
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from models.artifacts.load_artifact import LoadedModel
from models.base.model_card import Card, ClassReliability

NOW = datetime.now(UTC)
OWN = {"Origin": "http://testserver"}
LABELS = ("Telephony", "Network v7", "Mail", "Printing")


@pytest.fixture
def client(client, trained_registry, monkeypatch):
    """Asks an app whose champion of category knows four labels."""
    reliabilities = tuple(ClassReliability(label, 9, 9, 1.0, 1.0, 1.0) for label in LABELS)

    def load(version):
        card = Card("category", "choice", NOW, class_reliability=reliabilities)
        return LoadedModel(trained_registry.models[version.target, version.version], card)

    monkeypatch.setattr(trained_registry, "load", load)
    trained_registry.promote("category", "8")
    client.app.state.container.champions.poll()
    return client


def vpn_incident(id_: str, **facts: str) -> ResolvedIncident:
    return incident(id_, "vpn down since noon", opened_at=NOW - timedelta(hours=1), **facts)


def drawn(id_: str, label: str, confidence: float, share: float | None = 0.05) -> PredictionRecord:
    answer = {
        "label": label,
        "alternatives": [{"label": "Printing", "confidence": 1 - confidence}],
        "label_set": [label],
        "certificate": {"precision_at_least": 0.92, "threshold": confidence, "n": 412},
        "evidence": {"tokens": [{"token": "vpn" if label == "Mail" else "noon", "weight": 1.2}]},
    }
    return prediction(
        id_,
        label,
        prediction_id=f"p-{id_}",
        model_version="8",
        confidence=confidence,
        decision="auto",
        mode="auto",
        answer=answer,
        answered_at=NOW,
        audit_share=share,
    )


@pytest.fixture
def audited(store):
    """Two incidents that differ in nothing but our hidden answers."""
    store.incidents.upsert([vpn_incident("INC1"), vpn_incident("INC2")])
    store.predictions.record([drawn("INC1", "Mail", 0.95), drawn("INC2", "Telephony", 0.99)])
    store.modes.set(ModeSetting("category", "Telephony", Mode.OFF, NOW))
    return store


def words(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


@pytest.mark.parametrize("path", ["/incidents/{}", "/audit?incident={}", "/?q={}"])
def test_what_is_hidden_shows_nowhere_on_a_page(client, audited, path):
    client.app.state.container.modes.poll()
    one, other = (
        re.sub(r"(\d+:\d+:)\d+(\.\d+)?|INC[12]", r"\1", client.get(path.format(id_)).text)
        for id_ in ("INC1", "INC2")
    )
    assert one == other
    assert "audit sample" in one
    assert "95%" not in one


def test_the_form_of_an_incident_offers_every_label_by_the_alphabet(client, audited):
    page = client.get("/incidents/INC1")
    form = re.search(r'<form class="decide".*?</form>', page.text, re.DOTALL)[0]
    assert re.findall(r'<option value="([^"]+)"', form) == sorted(LABELS)
    assert "You decide first" in words(page)
    assert "A person decides first" in words(page)
    assert "<mark" not in page.text


def test_a_decision_is_kept_as_audited_and_reveals_the_answer(client, audited):
    form = {"prediction_id": "p-INC1", "incident_id": "INC1", "target": "category"}
    refused = client.post("/feedback", data=form | {"action": "accept"}, headers=OWN)
    assert refused.status_code == 422
    assert "Mail" not in words(refused)
    form |= {"action": "correct", "label": "Mail", "at": "category"}
    page = client.post("/feedback", data=form, headers=OWN)
    assert page.url.path == "/incidents/INC1"
    (label,) = audited.labels.select()
    assert (label.label, label.source) == ("Mail", LabelSource.AUDITED)
    assert "95% proven" in words(page)
    assert "corrected to Mail" in words(page)
    assert (
        'value="accept"'
        not in re.search(
            r'<article class="answer" id="category".*?</article>', page.text, re.DOTALL
        )[0]
    )


def test_a_person_who_needs_the_answer_can_reveal_it(client, audited):
    shown = words(client.get("/incidents/INC1"))
    assert "Show the answer now for Category" in shown
    form = {"prediction_id": "p-INC1", "target": "category"}
    foreign = client.post("/reveal", data=form, headers={"Origin": "http://elsewhere"})
    assert foreign.status_code == 403
    assert len(audited.predictions.audited("category")) == 2
    page = client.post("/reveal", data=form, headers=OWN)
    assert page.url.path == "/incidents/INC1"
    assert "95% proven" in words(page)
    assert "audit sample" not in words(page)
    (event,) = audited.audit_log.select(action="reveal")
    assert (event.actor, event.details["prediction_id"]) == ("page", "p-INC1")
    assert [answer.incident_id for answer in audited.predictions.audited("category")] == ["INC2"]
    assert "answer revealed" in words(client.get("/audit"))


def test_an_outcome_reveals_the_answer_too(client, audited):
    audited.incidents.upsert([vpn_incident("INC1", category="Network")])
    assert "Mail" in words(client.get("/incidents/INC1"))
    assert "audit sample" not in words(client.get("/?q=INC1"))


def test_no_filter_of_the_inbox_tells_a_hidden_answer(client, audited):
    audited.incidents.upsert([vpn_incident("INC3")])
    audited.predictions.record([drawn("INC3", "Mail", 0.95, None)])
    page = client.get("/?category=Mail")
    assert re.findall(r'href="/incidents/(INC\d)"', page.text) == ["INC3"]


def test_a_tried_ticket_that_is_drawn_is_held_back_without_a_form(app_of, trained_registry, store):
    store.modes.set(ModeSetting("category", None, Mode.AUTO, NOW))
    with TestClient(app_of(trained_registry, audit_share=1.0)) as client:
        page = client.post("/try", data={"title": "vpn"}, headers=OWN)
    assert "A person decides first" in words(page)
    assert "Network v7" not in words(page)
    assert "/feedback" not in page.text


def test_the_queue_asks_the_audit_sample_first_and_shows_no_answer(client, audited):
    audited.incidents.upsert(
        [vpn_incident("INC3", service="mail"), vpn_incident("INC4", category="Mail")]
    )
    audited.predictions.record([drawn("INC3", "Mail", 0.4, None), drawn("INC4", "Mail", 0.1, None)])
    page = client.get("/labels")
    assert re.findall(r'class="incident" href="/incidents/(INC\d)"', page.text) == [
        *("INC1", "INC2", "INC3")
    ]
    buttons = re.findall(r'<button name="label" value="([^"]+)"', page.text)
    assert buttons == sorted(LABELS) * 3
    assert "audit sample: your decision shows" in words(page)
    assert "Category" in words(page)


def test_one_click_labels_and_shows_what_is_next(client, audited):
    page = client.get("/labels")
    form = re.search(r'<form class="likely".*?</form>', page.text, re.DOTALL)[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    after = client.post("/feedback", data=fields | {"label": "Printing"}, headers=OWN)
    assert str(after.url.path) == "/labels"
    assert re.findall(r'class="incident" href="/incidents/(INC\d)"', after.text) == ["INC2"]
    assert audited.labels.select()[0].label == "Printing"


def test_what_was_saved_is_said_again_and_a_new_label_is_asked_about(client, audited):
    form = {"prediction_id": "p-INC1", "incident_id": "INC1", "target": "category"}
    form |= {"action": "correct", "other": "Printng", "next": "/labels?target=category"}
    page = client.post("/feedback", data=form, headers=OWN)
    assert page.url.path == "/labels"
    assert "Saved: INC1 is Printng" in words(page)
    assert "“ Printng ” is a new label; did you mean “ Printing ”?" in words(page)
    assert "Printng" not in re.findall(r'<button name="label" value="([^"]+)"', page.text)
    del form["next"]
    page = client.post("/feedback", data=form | {"other": "Mail"}, headers=OWN)
    assert page.url.path == "/incidents/INC1"
    assert "Saved: INC1 is Mail" in words(page)
    assert "is a new label" not in words(page)
    assert "Saved:" not in words(client.get("/labels?saved=p-INC2&in=INC2&about=category"))


def test_a_chosen_and_a_typed_label_that_differ_are_refused(client, audited):
    form = {"prediction_id": "p-INC1", "incident_id": "INC1", "target": "category"}
    form |= {"action": "correct", "label": "Mail", "other": "Routing"}
    refused = client.post("/feedback", data=form, headers=OWN)
    assert refused.status_code == 422
    assert "you chose 'Mail' and typed 'Routing': give one of them" in words(refused)
    assert audited.labels.select() == ()
    assert client.post("/feedback", data=form | {"other": " Mail "}, headers=OWN).status_code == 200


def test_many_labels_are_chosen_from_a_list(client, audited, trained_registry, monkeypatch):
    reliabilities = tuple(ClassReliability(f"Team {n:02}", 9, 9, 1.0, 1.0, 1.0) for n in range(30))
    card = Card("category", "choice", NOW, class_reliability=reliabilities)
    model = trained_registry.models["category", "8"]
    monkeypatch.setattr(trained_registry, "load", lambda _version: LoadedModel(model, card))
    trained_registry.promote("category", "9")
    client.app.state.container.champions.poll()
    page = client.get("/labels?target=category").text
    assert '<button name="label"' not in page
    assert page.count("Team 29</option>") == 2


def test_targets_are_chosen_and_one_without_labels_is_refused(client, audited):
    assert 'aria-current="true">\nSeverity' in client.get("/labels?target=severity").text.replace(
        "    ", ""
    ).replace(">Severity", ">\nSeverity")
    for target in ("similar", "<b>"):
        refused = client.get("/labels", params={"target": target})
        assert refused.status_code == 422
        refusal = f"'{target}' takes no labels here; targets that do: category, fields.subcategory"
        assert refusal in words(refused)


def test_an_empty_queue_says_which_incidents_come_here(client):
    shown = words(client.get("/labels"))
    assert "Only stored incidents with an answer appear here: sent to POST /v1/incidents" in shown
    missing = client.get("/incidents/INC404")
    assert missing.status_code == 404
    assert "no incident 'INC404' was stored or triaged" in words(missing)


def test_without_a_champion_there_is_nothing_to_ask(app_of, registry):
    with TestClient(app_of(registry)) as client:
        assert "There is no model to label incidents for" in words(client.get("/labels"))

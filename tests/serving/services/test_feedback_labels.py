"""Labels from feedback and from final states, through the services that callers use."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from features.domain.labels import FINAL_STATE
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.home import Home
from features.store.incidents.incident_update import IncidentUpdate, given_in
from features.text.masking import Masking
from features.text.parsing import parse_report
from serving.runtime.errors import InvalidFields, UnknownPrediction
from serving.services.feedback import FeedbackService
from serving.services.records.incidents import IncidentService

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
CATEGORY = PredictionRecord(
    "p-1", "r", "INC1", "category", "7", "VPN", 0.9, "auto", "auto", {"label": "VPN"}, NOW
)
SIMILAR = {"similar": [{"id": "INC2"}, {"id": "INC3"}], "open_match": {"id": "INC9"}}
RUNBOOKS = {"runbooks": [{"id": "vpn/a"}, {"id": "vpn/b"}]}


@pytest.fixture
def told():
    return []


@pytest.fixture
def feedback(store, told):
    store.predictions.record(
        [
            CATEGORY,
            replace(CATEGORY, target="similar", label="INC2", decision="suggest", answer=SIMILAR),
            replace(CATEGORY, target="runbooks", label="vpn/a", answer=RUNBOOKS),
            replace(CATEGORY, prediction_id="p-2", incident_id="INC5", audit_share=0.05),
        ]
    )
    return FeedbackService(store, lambda: NOW, on_labels=told.extend)


@pytest.fixture
def incidents(store, told, tmp_path):
    return IncidentService(store, None, Home(tmp_path), "default", on_labels=told.extend)


def give(feedback, **given):
    usual = {"prediction_id": "p-1", "target": "category", "action": "accept", "given_by": "Ana"}
    return feedback.give(**(usual | {"source": "api"} | given))


def upsert(incidents, outcome, report=None):
    report = report or REPORT
    given = given_in(ResolvedIncident(report, outcome))
    return incidents.upsert(IncidentUpdate(report, outcome, given), "r")


def labels(store):
    return [(label.target, label.label, str(label.source)) for label in store.labels.select()]


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({}, ("category", "VPN", "accepted")),
        ({"action": "correct", "label": "Mail"}, ("category", "Mail", "corrected")),
        ({"action": "dismiss"}, None),
        ({"target": "similar", "subject": "INC3"}, ("similar", "INC3", "accepted")),
        ({"target": "similar", "subject": "INC3", "action": "dismiss"}, None),
        ({"target": "open_match"}, ("similar", "INC9", "accepted")),
        ({"target": "runbooks", "subject": "vpn/b"}, ("runbooks", "vpn/b", "accepted")),
        (
            {"target": "runbooks", "subject": "vpn/b", "helped": True},
            ("runbooks", "vpn/b", "corrected"),
        ),
        ({"target": "runbooks", "subject": "vpn/b", "helped": False}, None),
        (
            {"prediction_id": "p-2", "action": "correct", "label": "VPN"},
            ("category", "VPN", "audited"),
        ),
    ],
)
def test_what_is_said_becomes_a_label(feedback, store, told, given, label):
    entry = give(feedback, **given)
    assert labels(store) == ([] if label is None else [label])
    assert told == list(store.labels.select())
    for record in told:
        assert (record.given_by, record.given_at) == ("Ana", NOW)
        assert (record.prediction_id, record.incident_id) == (
            entry.prediction_id,
            entry.incident_id,
        )


@pytest.mark.parametrize("action", ["accept", "dismiss"])
def test_an_answer_that_was_not_shown_can_only_be_corrected(feedback, store, action):
    with pytest.raises(InvalidFields) as refused:
        give(feedback, prediction_id="p-2", action=action)
    (error,) = refused.value.errors
    assert error.message == "was not shown: name the right label with correct"
    assert labels(store) == []
    assert store.feedback.select() == ()


def test_contradictions_are_all_kept_and_the_unknown_refused(feedback, store):
    give(feedback)
    give(feedback)
    give(feedback, action="correct", label="Mail", given_by="Ben")
    give(feedback, action="dismiss")
    assert [label[1:] for label in labels(store)] == [("VPN", "accepted"), ("Mail", "corrected")]
    with pytest.raises(UnknownPrediction):
        give(feedback, prediction_id="of another tenant")


REPORT = IncidentReport(id="INC1", title="vpn down")


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (None, "outcome"),
        ({"mode": "monitor"}, "outcome"),
        ({}, "echo"),
        ({"label": "Mail"}, "replaced"),
        ({"mode": "recommend"}, "accepted"),
        ({"audit_share": 0.05}, "audited"),
    ],
)
def test_the_final_state_is_a_label_of_the_source_that_our_answer_tells(
    incidents, store, told, answer, source
):
    if answer is not None:
        store.predictions.record([replace(CATEGORY, **answer)])
    upsert(incidents, Outcome())
    assert told == []
    upsert(incidents, Outcome("VPN", resolved_at=NOW))
    (label,) = told
    assert (label.label, str(label.source), label.given_by) == ("VPN", source, FINAL_STATE)
    assert label.given_at == NOW
    assert store.labels.select() == (label,)


def test_a_state_that_stays_is_no_news_and_one_that_changes_is(incidents, store, told):
    upsert(incidents, Outcome("VPN"))
    store.predictions.record([CATEGORY])
    upsert(incidents, Outcome("VPN", severity="High", resolution="rebooted"))
    upsert(incidents, Outcome("Mail", severity="High", resolution="rebooted"))
    upsert(incidents, Outcome("Mail", severity="High", resolution="rebooted twice"))
    assert [(label.target, label.label, str(label.source)) for label in told] == [
        ("category", "VPN", "outcome"),
        ("severity", "High", "outcome"),
        ("category", "Mail", "replaced"),
    ]
    assert store.labels.select() == tuple(told)


def test_a_label_of_an_open_incident_is_final_once_it_is_resolved(incidents, store, told):
    upsert(incidents, Outcome("Mail", status=Status.OPEN))
    assert (labels(store), told) == ([], [])
    upsert(incidents, Outcome("Mail", status=Status.RESOLVED))
    assert labels(store) == [("category", "Mail", "outcome")]


def test_an_incident_whose_id_is_masked_is_found_by_the_id_that_was_sent(incidents):
    report = parse_report(id="bob@example.com", masking=Masking())
    upsert(incidents, Outcome(), report)
    assert "bob" not in report.id
    assert incidents.get("bob@example.com").report == report
    assert incidents.get(report.id).report == report


def test_an_incident_stored_before_ids_were_masked_is_still_found(incidents):
    report = IncidentReport(id="bob@example.com", title="old")
    upsert(incidents, Outcome(), report)
    assert incidents.get("bob@example.com").report == report

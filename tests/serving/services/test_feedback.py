"""What people say of answers is checked and kept."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import prediction

from serving.runtime.errors import InvalidFields, UnknownPrediction
from serving.services.feedback import FeedbackService

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
SIMILAR = {
    "similar": [{"id": "INC2", "copies": ["INC3"]}, {"id": "two  spaces"}],
    "open_match": {"id": "INC9"},
}
RUNBOOKS = {"runbooks": [{"id": "vpn/tunnel"}]}
NO_MATCH = {"similar": [], "open_match": None}


@pytest.fixture
def times():
    return iter(NOW + timedelta(minutes=minute) for minute in range(100))


@pytest.fixture
def service(store, times):
    store.predictions.record(
        [
            prediction(target="category", answer={"label": "Network"}, answered_at=NOW),
            prediction(target="similar", answer=SIMILAR, answered_at=NOW),
            prediction(target="runbooks", answer=RUNBOOKS, answered_at=NOW),
            prediction(target="similar", answer=NO_MATCH, answered_at=NOW, prediction_id="p-2"),
        ]
    )
    return FeedbackService(store, lambda: next(times))


def give(service, **given):
    usual = {"prediction_id": "p-1", "target": "category", "action": "accept", "given_by": "Ana"}
    return service.give(**(usual | {"source": "page"} | given))


def test_it_keeps_what_was_said_by_whom_and_when(service, store):
    feedback = give(service, incident_id="INC1")
    assert store.feedback.select(incident_id="INC1") == (feedback,)
    assert (feedback.action, feedback.given_by, feedback.given_at, feedback.source) == (
        "accept",
        "Ana",
        NOW,
        "page",
    )


def test_saying_it_twice_is_saying_it_once_and_another_word_replaces_it(service, store):
    give(service)
    give(service)
    assert len(store.feedback.select()) == 1
    give(service, action="correct", label="  VPN ")
    (feedback,) = store.feedback.select()
    assert (feedback.action, feedback.label) == ("correct", "VPN")


def test_two_people_each_have_their_word(service, store):
    give(service)
    give(service, given_by="Tom", action="dismiss")
    assert [feedback.given_by for feedback in store.feedback.select()] == ["Ana", "Tom"]


def test_nobody_is_the_source(service):
    assert give(service, given_by=None).given_by == "page"
    assert give(service, given_by=" \n", source="api").given_by == "api"


def test_a_name_is_one_clean_line(service):
    assert give(service, given_by="A\x00na\n Prado" + "x" * 999).given_by.startswith("Ana Prado")


@pytest.mark.parametrize("label", [None, "", "  ", "?", "N/A"])
def test_a_correction_names_the_right_label(service, store, label):
    with pytest.raises(InvalidFields, match="label"):
        give(service, action="correct", label=label)
    assert store.feedback.select() == ()


def test_a_label_has_a_limit(service, store):
    with pytest.raises(InvalidFields, match="1000 characters"):
        give(service, action="correct", label="x" * 1_001)
    assert store.feedback.select() == ()
    assert give(service, action="correct", label="x" * 1_000).label == "x" * 1_000


def test_only_a_correction_has_a_label(service):
    assert give(service, label="VPN").label is None


@pytest.mark.parametrize("action", ["", "delete", "ACCEPT"])
def test_an_unknown_action_is_refused(service, action):
    with pytest.raises(InvalidFields, match="accept, correct, dismiss"):
        give(service, action=action)


@pytest.mark.parametrize(
    "unknown",
    [
        {"prediction_id": "p-7"},
        {"target": "severity"},
        {"incident_id": "INC2"},
        {"prediction_id": "p-2", "target": "category"},
    ],
)
def test_a_prediction_that_was_not_made_is_named(service, unknown):
    with pytest.raises(UnknownPrediction):
        give(service, **unknown)


def test_an_entry_of_a_list_is_named_by_its_id(service):
    for subject in ("INC2", "INC3", "two  spaces"):
        feedback = give(service, target="similar", subject=subject, action="dismiss")
        assert feedback.subject == subject
    assert give(service, target="runbooks", subject="vpn/tunnel", helped=True).helped is True


def test_a_list_as_a_whole_may_be_dismissed(service):
    assert give(service, target="similar", action="dismiss").subject is None


@pytest.mark.parametrize(("target", "subject"), [("similar", "INC8"), ("category", "INC2")])
def test_an_entry_that_is_not_there_is_refused(service, target, subject):
    with pytest.raises(InvalidFields, match="subject"):
        give(service, target=target, subject=subject)


def test_the_open_match_is_known_without_its_name(service):
    assert give(service, target="open_match", action="dismiss").subject == "INC9"
    assert give(service, target="open_match", subject="INC9").subject == "INC9"


@pytest.mark.parametrize("wrong", [{"subject": "INC2"}, {"prediction_id": "p-2"}])
def test_an_open_match_that_was_not_answered_is_refused(service, wrong):
    with pytest.raises(InvalidFields, match="subject"):
        give(service, target="open_match", **wrong)

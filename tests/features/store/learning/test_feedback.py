"""Feedback is stored with its person and time; each person's latest feedback counts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.store.store import Store, open_store

NOON = datetime(2024, 3, 1, 12, 0, 0, 7, tzinfo=UTC)
ACCEPTED = FeedbackRecord(
    prediction_id="p1",
    incident_id="INC1",
    target="category",
    action=FeedbackAction.ACCEPT,
    label=None,
    subject=None,
    given_by="Ånne <script>",
    given_at=NOON,
    source="page",
)
CORRECTED = replace(
    ACCEPTED,
    action=FeedbackAction.CORRECT,
    label="Zubehör 🔌",
    source="api",
    given_at=NOON + timedelta(minutes=1),
)
DISMISSED = replace(
    ACCEPTED, target="open_match", action=FeedbackAction.DISMISS, subject="INC'0", given_at=NOON
)
FOLLOWED = replace(ACCEPTED, target="runbooks", subject="vpn/drops", helped=False)


@pytest.mark.parametrize("record", [ACCEPTED, CORRECTED, DISMISSED, FOLLOWED])
def test_every_field_comes_back_equal(store: Store, record: FeedbackRecord) -> None:
    store.feedback.record(record)
    assert store.feedback.select() == (record,)
    assert isinstance(store.feedback.select()[0].action, FeedbackAction)


def test_the_last_word_of_a_person_counts(store: Store) -> None:
    store.feedback.record(ACCEPTED)
    store.feedback.record(CORRECTED)
    assert store.feedback.select() == (CORRECTED,)


@pytest.mark.parametrize(
    "difference",
    [
        {"given_by": "bob"},
        {"prediction_id": "p2"},
        {"target": "severity"},
        {"subject": "INC7"},
    ],
)
def test_what_is_said_of_something_else_or_by_another_stands_beside_it(
    store: Store, difference: dict[str, str]
) -> None:
    other = replace(ACCEPTED, **difference)  # type: ignore[arg-type]
    store.feedback.record(ACCEPTED)
    store.feedback.record(other)
    assert set(store.feedback.select()) == {ACCEPTED, other}


def test_feedback_comes_oldest_first(store: Store) -> None:
    records = [
        replace(ACCEPTED, prediction_id=f"p{number}", given_at=NOON - timedelta(hours=number))
        for number in range(5)
    ]
    for record in records:
        store.feedback.record(record)
    assert store.feedback.select() == tuple(reversed(records))


def test_feedback_is_found_by_target_and_by_incident(store: Store) -> None:
    elsewhere = replace(ACCEPTED, prediction_id="p2", incident_id="INC2")
    for record in (ACCEPTED, DISMISSED, elsewhere):
        store.feedback.record(record)
    assert set(store.feedback.select("category")) == {ACCEPTED, elsewhere}
    assert set(store.feedback.select(incident_id="INC1")) == {ACCEPTED, DISMISSED}
    assert store.feedback.select("category", "INC2") == (elsewhere,)
    assert store.feedback.select("severity") == ()


@pytest.mark.parametrize(
    ("said", "dismissed"),
    [
        ([("similar", "dismiss"), ("similar", "accept")], set()),
        ([("similar", "accept"), ("similar", "dismiss")], {"INC7"}),
        ([("open_match", "dismiss"), ("similar", "accept")], {"INC7"}),
        ([("similar", "dismiss"), ("open_match", "accept")], {"INC7"}),
        ([("runbooks", "dismiss")], set()),
        ([("similar", "dismiss"), ("runbooks", "accept")], {"INC7"}),
    ],
)
def test_what_is_dismissed_is_told_by_the_last_word_on_each_list(
    store: Store, said: list[tuple[str, str]], dismissed: set[str]
) -> None:
    for minute, (target, action) in enumerate(said):
        store.feedback.record(
            replace(
                ACCEPTED,
                target=target,
                action=FeedbackAction(action),
                subject="INC7",
                given_by=f"person {minute}",
                given_at=NOON + timedelta(minutes=minute),
            )
        )
    expected = {"INC1": dismissed} if dismissed else {}
    assert store.feedback.dismissed(["INC1", "INC2"]) == expected


def test_an_action_that_there_is_not_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="applaud"):
        store.feedback.record(replace(ACCEPTED, action="applaud"))  # type: ignore[arg-type]
    assert store.feedback.select() == ()


def test_feedback_leaves_the_revision_alone(store: Store) -> None:
    store.feedback.record(ACCEPTED)
    assert store.incidents.revision() == 0


def test_another_tenant_neither_reads_nor_replaces_it(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.feedback.record(ACCEPTED)
        theirs.feedback.record(CORRECTED)
        assert ours.feedback.select() == (ACCEPTED,)
        assert theirs.feedback.select() == (CORRECTED,)


def test_many_who_speak_at_once_are_all_heard(store: Store) -> None:
    records = [replace(ACCEPTED, given_by=f"person {number}") for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.feedback.record, records * 2))
    assert set(store.feedback.select()) == set(records)

"""Predictions are read as they were written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from sqlalchemy.exc import IntegrityError

from features.domain.predictions import PredictionRecord
from features.store.store import Store, open_store

CATEGORY = PredictionRecord(
    prediction_id="p1",
    request_id="r1",
    incident_id="INC1",
    target="category",
    model_version="7",
    label="Network",
    confidence=0.1 + 0.2,
    decision="auto",
    mode="recommend",
    answer={
        "label": "Network",
        "certificate": None,
        "alternatives": [{"label": "Zubehör 🔌", "confidence": 0.04}],
    },
    answered_at=datetime(2024, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
)
SEVERITY = replace(CATEGORY, target="severity", label="high", answer={"rank": 2})


def test_one_record_for_each_target_comes_back_equal(store: Store) -> None:
    store.predictions.record([SEVERITY, CATEGORY, replace(CATEGORY, prediction_id="p2")])
    assert store.predictions.get("p1") == (CATEGORY, SEVERITY)


def test_the_order_of_the_answer_is_kept(store: Store) -> None:
    store.predictions.record([replace(CATEGORY, answer={"z": 1, "b": 2, "aa": 3})])
    assert list(store.predictions.get("p1")[0].answer) == ["z", "b", "aa"]


def test_an_unknown_prediction_has_no_records(store: Store) -> None:
    assert store.predictions.get("p1") == ()


def test_nothing_to_record_is_nothing(store: Store) -> None:
    store.predictions.record([])


def test_a_batch_with_a_known_record_is_refused_as_a_whole(store: Store) -> None:
    store.predictions.record([CATEGORY])
    with pytest.raises(IntegrityError):
        store.predictions.record([SEVERITY, CATEGORY])
    assert store.predictions.get("p1") == (CATEGORY,)


def test_predictions_leave_the_revision_alone(store: Store) -> None:
    store.predictions.record([CATEGORY])
    assert store.incidents.revision() == 0


def test_the_latest_answer_about_an_incident_is_whole_and_the_newest(store: Store) -> None:
    later = CATEGORY.answered_at + timedelta(microseconds=1)
    newer = [
        replace(record, prediction_id="p0", answered_at=later, label="new")
        for record in (CATEGORY, SEVERITY)
    ]
    elsewhere = replace(CATEGORY, prediction_id="p3", incident_id="INC2")
    store.predictions.record([*newer, elsewhere])
    store.predictions.record([CATEGORY, replace(CATEGORY, target="assignment"), SEVERITY])
    assert store.predictions.latest(["INC2", "INC1", "INC9"]) == {
        "INC1": tuple(newer),
        "INC2": (elsewhere,),
    }


def test_of_no_incidents_there_are_no_latest_answers(store: Store) -> None:
    store.predictions.record([CATEGORY])
    assert store.predictions.latest([]) == {}


def test_another_tenant_cannot_read_them(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.predictions.record([CATEGORY])
        theirs.predictions.record([SEVERITY])
        assert theirs.predictions.get("p1") == (SEVERITY,)
        assert theirs.predictions.latest(["INC1"]) == {"INC1": (SEVERITY,)}


def test_four_thousand_records_are_written_in_one_go(store: Store) -> None:
    targets = ("category", "assignment", "severity", "fields.subcategory")
    records = [
        replace(CATEGORY, prediction_id=f"p{number}", target=target)
        for number in range(1_000)
        for target in targets
    ]
    started = process_time()
    store.predictions.record(records)
    # About 0.1 s on SQLite; the limit tells one transaction from thousands.
    assert process_time() - started < 3
    assert len(store.predictions.get("p999")) == 4

"""What was answered is kept as it was answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from sqlalchemy.exc import IntegrityError

from features.domain.predictions import PredictionRecord
from features.store.store import IncidentStore, open_store

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


def test_one_record_for_each_target_comes_back_equal(store: IncidentStore) -> None:
    store.record_predictions([SEVERITY, CATEGORY, replace(CATEGORY, prediction_id="p2")])
    assert store.prediction("p1") == (CATEGORY, SEVERITY)


def test_the_order_of_the_answer_is_kept(store: IncidentStore) -> None:
    store.record_predictions([replace(CATEGORY, answer={"z": 1, "b": 2, "aa": 3})])
    assert list(store.prediction("p1")[0].answer) == ["z", "b", "aa"]


def test_an_unknown_prediction_has_no_records(store: IncidentStore) -> None:
    assert store.prediction("p1") == ()


def test_nothing_to_record_is_nothing(store: IncidentStore) -> None:
    store.record_predictions([])


def test_a_batch_with_a_known_record_is_refused_as_a_whole(store: IncidentStore) -> None:
    store.record_predictions([CATEGORY])
    with pytest.raises(IntegrityError):
        store.record_predictions([SEVERITY, CATEGORY])
    assert store.prediction("p1") == (CATEGORY,)


def test_predictions_leave_the_revision_alone(store: IncidentStore) -> None:
    store.record_predictions([CATEGORY])
    assert store.revision() == 0


def test_the_latest_answer_about_an_incident_is_whole_and_the_newest(store: IncidentStore) -> None:
    later = CATEGORY.answered_at + timedelta(microseconds=1)
    newer = [
        replace(each, prediction_id="p0", answered_at=later, label="new")
        for each in (CATEGORY, SEVERITY)
    ]
    elsewhere = replace(CATEGORY, prediction_id="p3", incident_id="INC2")
    store.record_predictions([*newer, elsewhere])
    store.record_predictions([CATEGORY, replace(CATEGORY, target="assignment"), SEVERITY])
    assert store.latest_predictions(["INC2", "INC1", "INC9"]) == {
        "INC1": tuple(newer),
        "INC2": (elsewhere,),
    }


def test_of_no_incidents_there_are_no_latest_answers(store: IncidentStore) -> None:
    store.record_predictions([CATEGORY])
    assert store.latest_predictions([]) == {}


def test_another_tenant_cannot_read_them(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url, tenant="acme") as theirs:
        ours.record_predictions([CATEGORY])
        theirs.record_predictions([SEVERITY])
        assert theirs.prediction("p1") == (SEVERITY,)
        assert theirs.latest_predictions(["INC1"]) == {"INC1": (SEVERITY,)}


def test_four_thousand_records_are_written_in_one_go(store: IncidentStore) -> None:
    targets = ("category", "assignment", "severity", "fields.subcategory")
    records = [
        replace(CATEGORY, prediction_id=f"p{number}", target=target)
        for number in range(1_000)
        for target in targets
    ]
    started = perf_counter()
    store.record_predictions(records)
    # About 0.1 s on SQLite; the limit tells one transaction from thousands.
    assert perf_counter() - started < 3
    assert len(store.prediction("p999")) == 4

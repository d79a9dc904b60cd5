"""Labels: all are stored, except those that only repeat the last one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.store.store import Store

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(label: str, source: str = "corrected", hours: float = 0, **given: str) -> LabelRecord:
    usual = {"incident_id": "INC1", "target": "category", "given_by": "Ana"} | given
    return LabelRecord(
        label=label, source=LabelSource(source), given_at=NOW + hours * HOUR, **usual
    )


def test_all_that_was_said_is_kept_oldest_first(store: Store) -> None:
    late, early = said("A", hours=2), said("B", hours=1, given_by="Ben")
    other = said("C", hours=3, incident_id="INC2", target="severity", prediction_id="p-1")
    store.labels.record([late, early])
    store.labels.record([other])
    store.labels.record([])
    assert store.labels.select() == (early, late, other)
    assert (
        store.labels.select(target="severity")
        == store.labels.select(incident_ids=["INC2"])
        == (other,)
    )
    assert store.labels.select(incident_ids=()) == ()
    assert store.labels.select(until=NOW + 2 * HOUR) == (early, late)
    many = [f"no{number}" for number in range(6_000)]
    assert store.labels.select(incident_ids=[*many, "INC2"]) == (other,)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_only_repeats_is_not_written_again(store: Store) -> None:
    state = said("VPN", "echo", given_by=FINAL_STATE)
    again = replace(state, source=LabelSource.ACCEPTED, given_at=NOW + HOUR)
    word = said("Mail", hours=1)
    store.labels.record([state, word])
    store.labels.record([again, replace(word, given_at=NOW + 9 * HOUR)])
    assert store.labels.select() == (state, word)
    back_and_forth = [said(label, given_by=FINAL_STATE) for label in ("Mail", "VPN")]
    store.labels.record(back_and_forth)
    assert store.labels.select() == (state, *back_and_forth, word)
    assert strongest(store.labels.select()) == word
    other_tenant = Store(store._database, "other")
    assert other_tenant.labels.select() == ()


def test_of_two_who_say_the_same_at_once_one_is_written(store: Store) -> None:
    start = Barrier(4)

    def record(_: int) -> None:
        start.wait()
        store.labels.record([said("VPN", given_by=FINAL_STATE)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(4)))
    assert len(store.labels.select()) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_labels_count_since_a_moment_but_for_echoes(store: Store) -> None:
    before = datetime.now(UTC)
    store.labels.record([said("VPN"), said("VPN", "echo", incident_id="INC2")])
    assert store.labels.count_since(before) == 1
    assert store.labels.count_since(datetime.now(UTC)) == 0

"""The oracle itself: it must see what is lost and what is stored twice."""

import pytest
from factories import incident

from .oracle import Kind, Oracle, Write

KEPT, LOST = Write(1, Kind.INCIDENT), Write(2, Kind.INCIDENT)
KEYED, UNANSWERED = Write(3, Kind.KEYED_INCIDENT), Write(4, Kind.ALERT)


@pytest.fixture
def oracle() -> Oracle:
    oracle = Oracle()
    for write in (KEPT, LOST, KEYED, UNANSWERED):
        oracle.send(write)
    for write in (KEPT, LOST, KEYED):
        oracle.acknowledge(write)
    return oracle


def url_of(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'precedent.db'}"


def test_a_write_that_is_not_stored_is_lost(oracle, store, tmp_path):
    store.incidents.upsert([incident("a", KEPT.mark), incident("b", KEYED.mark)])
    tally = oracle.compare(url_of(tmp_path))
    assert (tally.writes, tally.lost, tally.doubled) == (3, (LOST.mark,), ())


def test_a_write_that_is_stored_twice_is_doubled(oracle, store, tmp_path):
    marks = (KEPT.mark, LOST.mark, KEYED.mark, KEYED.mark, UNANSWERED.mark, UNANSWERED.mark)
    store.incidents.upsert([incident(str(place), mark) for place, mark in enumerate(marks)])
    tally = oracle.compare(url_of(tmp_path))
    assert (tally.lost, tally.doubled) == ((), (UNANSWERED.mark, KEYED.mark))


def test_only_repeatable_writes_are_sent_again(oracle):
    feedback = Write(5, Kind.FEEDBACK)
    oracle.send(feedback)
    assert oracle.unacknowledged() == [UNANSWERED]

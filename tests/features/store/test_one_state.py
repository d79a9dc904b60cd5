"""Reads of a block share one state of the store, whatever is written meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from factories import incident
from sqlalchemy import event

from features.store.store import Store


def test_reads_of_a_block_see_one_state_while_others_write(store: Store) -> None:
    store.incidents.upsert([incident("INC1")])
    with store.one_state():
        assert store.incidents.count() == 1
        with ThreadPoolExecutor(1) as other:
            other.submit(store.incidents.upsert, [incident("INC2")]).result(30)
            # Another thread does not share the state.
            assert other.submit(store.incidents.count).result(30) == 2
        assert store.incidents.count() == 1
        assert store.incidents.get("INC2") is None
    assert store.incidents.count() == 2


def test_reads_of_a_block_share_a_transaction(store: Store) -> None:
    begun: list[object] = []

    def note(connection: object) -> None:
        begun.append(connection)

    event.listen(store._database._readers._engine, "begin", note)
    with store.one_state():
        for _ in range(5):
            store.incidents.count()
            store.changes.between(*[incident("INC1").report.opened_at] * 2)
    assert len(begun) == 1


def test_a_write_in_a_block_is_kept(store: Store) -> None:
    with store.one_state():
        store.incidents.upsert([incident("INC1")])
    assert store.incidents.count() == 1


def test_a_failed_block_leaves_reads_usable(store: Store) -> None:
    def fail() -> None:
        with store.one_state():
            store.incidents.count()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.incidents.count() == 0

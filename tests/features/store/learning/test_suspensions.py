"""Suspensions in the store."""

from dataclasses import replace

from factories import NOON

from features.domain.suspension import Suspension
from features.store.store import Store

FIRST = Suspension("category", "7", "5 of 40 answers were right", NOON)


def test_a_version_is_suspended_once(store: Store) -> None:
    other = replace(FIRST, version="8")
    assert store.suspensions.record(FIRST)
    assert not store.suspensions.record(replace(FIRST, reason="another"))
    assert store.suspensions.record(other)
    assert store.suspensions.all() == (FIRST, other)


def test_a_lifted_suspension_is_gone_and_may_come_again(store: Store) -> None:
    store.suspensions.record(FIRST)
    assert not store.suspensions.lift("category", "8")
    assert not store.suspensions.lift("severity", "7")
    assert store.suspensions.lift("category", "7")
    assert not store.suspensions.lift("category", "7")
    assert store.suspensions.all() == ()
    assert store.suspensions.record(FIRST)

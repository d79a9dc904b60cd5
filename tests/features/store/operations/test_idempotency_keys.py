"""Idempotency keys: one of two equal requests begins, and keys expire."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

from features.store.operations.idempotency_keys import (
    EarlierRequest,
    KeyedAnswer,
    KeyedRequest,
)
from features.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REQUEST = KeyedRequest("k-1", "/v1/triage?", "0" * 64)
ANSWER = KeyedAnswer(404, '{"detail": "Ü"}', "application/problem+json")


def test_the_first_answer_is_kept_for_24_hours(store: Store) -> None:
    keys = store.idempotency_keys
    assert keys.begin(REQUEST, NOON) is None
    assert keys.begin(replace(REQUEST, key="k-2"), NOON) is None
    keys.finish(REQUEST, NOON, ANSWER)
    later = NOON + timedelta(hours=23, minutes=59)
    earlier = EarlierRequest(REQUEST, ANSWER)
    assert keys.begin(REQUEST, later) == earlier
    assert keys.begin(replace(REQUEST, path="/v1/similar?"), later) == earlier
    assert keys.begin(REQUEST, NOON + timedelta(hours=24)) is None


def test_a_request_that_runs_for_a_minute_counts_as_crashed(store: Store) -> None:
    keys = store.idempotency_keys
    assert keys.begin(REQUEST, NOON) is None
    assert keys.begin(REQUEST, NOON + timedelta(seconds=59)) == EarlierRequest(REQUEST, None)
    again = NOON + timedelta(seconds=60)
    assert keys.begin(REQUEST, again) is None
    # The first process was only slow: its answer does not replace that of the second.
    keys.finish(REQUEST, NOON, ANSWER)
    keys.release(REQUEST, NOON)
    assert keys.begin(REQUEST, again) == EarlierRequest(REQUEST, None)
    keys.release(REQUEST, again)
    assert keys.begin(REQUEST, again) is None


def test_one_of_several_simultaneous_requests_begins(store: Store) -> None:
    start = Barrier(6)

    def begin(_number: int) -> bool:
        start.wait()
        return store.idempotency_keys.begin(REQUEST, NOON) is None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(begin, range(6))) == 1

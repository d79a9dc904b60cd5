"""Concurrent calls are computed together; a lone call waits for nobody."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest

from features.encoding.batch_queue import BatchQueue
from features.encoding.onnx_network import Vectors


class SlowNetwork:
    """Records batches; the first one takes until `may_go_on` is set."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.is_busy, self.may_go_on = Event(), Event()

    def compute(self, texts: Sequence[str]) -> dict[str, Vectors]:
        self.batches.append(list(texts))
        self.is_busy.set()
        assert self.may_go_on.wait(60)
        if "bad" in texts:
            raise ValueError("bad")
        return {text: np.full(2, len(text), dtype=np.float32) for text in texts}


@pytest.fixture
def network() -> SlowNetwork:
    return SlowNetwork()


@pytest.fixture
def queue(network: SlowNetwork) -> BatchQueue:
    return BatchQueue(network.compute, texts_at_once=4)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        sleep(0.001)


def test_a_lone_call_is_computed_alone_and_at_once(queue, network) -> None:
    network.may_go_on.set()
    assert queue.compute(["abc"])["abc"].tolist() == [3, 3]
    assert queue.compute(["ab", "a"]).keys() == {"ab", "a"}
    assert network.batches == [["abc"], ["ab", "a"]]


def test_calls_that_wait_become_one_batch(queue, network) -> None:
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(queue.compute, ["first"])
        assert network.is_busy.wait(60)
        others = [threads.submit(queue.compute, [text]) for text in ("b", "cc", "b")]
        wait_for(lambda: len(queue._waiting) == 3)
        network.may_go_on.set()
        assert first.result(60)["first"][0] == 5
        assert [other.result(60).keys() >= {"b", "cc"} for other in others] == [True] * 3
    assert [sorted(batch) for batch in network.batches] == [["first"], ["b", "cc"]]


def test_a_batch_takes_no_more_texts_than_fit_and_keeps_the_order(queue, network) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(queue.compute, ["first"])]
        assert network.is_busy.wait(60)
        for place, texts in enumerate((["a", "b", "c"], ["d", "e"], ["f"])):
            calls.append(threads.submit(queue.compute, texts))
            wait_for(lambda place=place: len(queue._waiting) == place + 1)
        network.may_go_on.set()
        for call in calls:
            call.result(60)
    assert network.batches == [["first"], ["a", "b", "c"], ["d", "e", "f"]]


def test_a_failure_reaches_the_call_with_the_bad_text_alone(queue, network) -> None:
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(queue.compute, ["first"])
        assert network.is_busy.wait(60)
        failing = threads.submit(queue.compute, ["bad"])
        wait_for(lambda: len(queue._waiting) == 1)
        beside = threads.submit(queue.compute, ["beside"])
        wait_for(lambda: len(queue._waiting) == 2)
        network.may_go_on.set()
        assert first.result(60)
        with pytest.raises(ValueError, match="bad"):
            failing.result(60)
        assert beside.result(60).keys() == {"beside"}
    assert queue.compute(["after"]).keys() == {"after"}

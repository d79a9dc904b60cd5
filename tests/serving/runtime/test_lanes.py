"""Work of one kind does not wait behind another, and what cannot be done in time is refused."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep

import anyio
import pytest
from fakes import WordModel
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.testclient import TestClient

from serving.runtime.errors import Overloaded
from serving.runtime.lanes import LaneName, Lanes
from serving.runtime.metrics import ServingMetrics
from serving.runtime.settings import ServingSettings

TRIAGE = {"incident": {"title": "vpn"}}


class HeldModel(WordModel):
    """Answers when the test opens its gate."""

    def __init__(self):
        super().__init__(name="1")
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)

    def predict(self, reports):
        self.begun.release()
        assert self.gate.wait(30)
        return super().predict(reports)


@pytest.fixture
def held(registry):
    model = HeldModel()
    registry.promote("category", "1", model)
    yield model
    model.gate.set()


@contextmanager
def busy(app: FastAPI, model: HeldModel, threads: int, body=TRIAGE, path="/v1/triage"):
    """Yields a client of an app whose threads that compute are all held."""
    with TestClient(app) as client, ThreadPoolExecutor(32) as pool:
        held = [pool.submit(client.post, path, json=body) for _ in range(threads)]
        for _ in range(threads):
            assert model.begun.acquire(timeout=30)
        try:
            yield client, pool, held
        finally:
            model.gate.set()


def wait_for_queue(client, length):
    deadline = monotonic() + 30
    while f'precedent_queue_length{{lane="compute"}} {length}.0' not in client.get("/metrics").text:
        assert monotonic() < deadline
        sleep(0.02)


def test_beyond_the_queue_a_call_is_refused_at_once(app_of, registry, held):
    app = app_of(registry, compute_threads=4, max_waiting=1, max_wait_seconds=30, shadow=False)
    with busy(app, held, 2) as (client, pool, running):
        waiting = pool.submit(client.post, "/v1/triage", json=TRIAGE)
        wait_for_queue(client, 1)
        refused = client.post("/v1/triage", json=TRIAGE)
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        # The refused call did not wait for the model, which is still held.
        assert not running[0].done()
        held.gate.set()
        assert waiting.result(30).status_code == 200
        assert [one.result(30).status_code for one in running] == [200, 200]
        text = client.get("/metrics").text
    assert 'precedent_requests_refused_total{lane="compute",reason="queue_full"} 1.0' in text
    assert re.search(r'precedent_requests_total\{.*route="/v1/triage".*status="503"\} 1.0', text)
    assert 'precedent_queue_length{lane="compute"} 0.0' in text


def test_work_that_does_not_begin_in_time_is_refused(app_of, registry, held):
    app = app_of(registry, compute_threads=4, max_wait_seconds=0.2, shadow=False)
    with busy(app, held, 2) as (client, _, _):
        refused = client.post("/v1/triage", json=TRIAGE)
        assert refused.status_code == 503
        assert "0.2 s" in refused.json()["detail"]
        text = client.get("/metrics").text
    assert 'precedent_requests_refused_total{lane="compute",reason="deadline"} 1.0' in text


def test_other_work_does_not_wait_for_what_is_computed(app_of, registry, held):
    app = app_of(registry, compute_threads=4, max_wait_seconds=30, shadow=False)
    alert = {"version": "4", "groupKey": "g", "status": "firing", "alerts": []}
    with busy(app, held, 2) as (client, pool, _):
        waiting = [pool.submit(client.post, "/v1/similar", json=TRIAGE) for _ in range(20)]
        wait_for_queue(client, 20)
        assert client.post("/hooks/alertmanager", json=alert).status_code == 200
        assert client.post("/v1/incidents", json={"incident": {"id": "1"}}).status_code == 200
        for path in ("/", "/incidents/1", "/v1/incidents", "/v1/models", "/health/ready"):
            assert client.get(path).status_code == 200
        assert not any(one.done() for one in waiting)


def test_a_batch_leaves_a_thread_to_single_calls(app_of, registry):
    registry.promote("category", "1")
    app = app_of(registry, compute_threads=2, max_wait_seconds=30, shadow=False)
    with TestClient(app) as client, ThreadPoolExecutor(4) as pool:
        triage, gate, begun = client.app.state.container.triage, threading.Event(), []
        answer = triage.triage

        def hold_batches(reports, **options):
            if len(reports) > 1:
                begun.append(len(reports))
                assert gate.wait(30)
            return answer(reports, **options)

        object.__setattr__(triage, "triage", hold_batches)
        batch = {"incidents": [{"title": f"vpn {n}"} for n in range(100)]}
        batches = [pool.submit(client.post, "/v1/triage/batch", json=batch) for _ in range(3)]
        for _ in range(3):
            assert client.post("/v1/triage", json=TRIAGE).status_code == 200
        assert begun in ([], [100])
        gate.set()
        assert [one.result(30).status_code for one in batches] == [200] * 3


def test_one_thread_that_computes_is_refused_since_a_batch_would_hold_it():
    with pytest.raises(ValidationError, match=r"write 0 or at least 2: batches use half"):
        ServingSettings(compute_threads=1)
    assert [ServingSettings(compute_threads=n).compute_threads for n in (0, 2)] == [0, 2]


def make_lanes(**settings):
    metrics = ServingMetrics()
    return Lanes(ServingSettings(compute_threads=2, **settings), metrics), metrics


def request_of(*, is_gone: bool) -> Request:
    async def receive():
        if is_gone:
            return {"type": "http.disconnect"}
        await anyio.sleep_forever()
        raise AssertionError

    return Request({"type": "http"}, receive)


def test_work_whose_client_has_gone_is_dropped_before_it_begins():
    async def drop():
        lanes, metrics = make_lanes()
        done = []
        with pytest.raises(ClientDisconnect):
            await lanes.run(LaneName.COMPUTE, request_of(is_gone=True), lambda: done.append(1))
        await lanes.run(LaneName.COMPUTE, request_of(is_gone=False), lambda: done.append(2))
        return done, metrics.render().decode()

    done, text = anyio.run(drop)
    assert done == [2]
    assert 'precedent_requests_dropped_total{lane="compute"} 1.0' in text


def test_a_queue_of_batches_is_limited_by_their_incidents():
    async def fill():
        lanes, _ = make_lanes(max_batch_incidents=1_000)
        gate = threading.Event()
        async with anyio.create_task_group() as tasks:

            async def run(size):
                request = request_of(is_gone=False)
                await lanes.run(LaneName.COMPUTE, request, lambda: gate.wait(30), size)

            tasks.start_soon(run, 900)
            tasks.start_soon(run, 900)
            await anyio.sleep(0.05)
            with pytest.raises(Overloaded):
                await run(101)
            tasks.start_soon(run, 100)
            await anyio.sleep(0.05)
            gate.set()

    anyio.run(fill)

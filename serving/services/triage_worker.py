"""Triages the incidents that wait in the store's queue."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from features.store.operations.triage_queue import QueuedTriage
from features.store.store import Store
from models.base.predictions import SimilarPrediction
from serving.background.poller import Poller
from serving.services.alerts.storms import StormService
from serving.services.triage import TriageService

_POLL_SECONDS = 1.0
_BATCH = 16
_HOLD_SECONDS = 120.0
_LONGEST_DELAY_SECONDS = 600


class TriageWorker(Poller):
    """Takes incidents from the queue and triages them in batches.

    Every process that serves has a worker. An incident whose worker was killed is taken over after
    two minutes. One that cannot be answered is tried again after a delay that doubles, up to ten
    minutes. `before` is called before each batch, so that the incidents can find one another. While
    `must_wait` is True, incidents stay in the queue.
    """

    failure = "incidents cannot be taken from the queue"

    def __init__(
        self,
        store: Store,
        triage: TriageService,
        storms: StormService,
        before: Callable[[], None],
        must_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        # The start of the service does not wait for the incidents of an earlier run.
        super().__init__(_POLL_SECONDS, "triage", patience_seconds=0.0)
        self._store = store
        self._triage = triage
        self._storms = storms
        self._before = before
        self._must_wait = must_wait
        self._woken = threading.Event()

    def wake(self) -> None:
        """Look into the queue now, because an incident was added."""
        self._woken.set()

    def request_stop(self) -> None:
        """Stop after the batch that is being triaged; other incidents stay in the queue."""
        super().request_stop()
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self.poll()
            self._has_polled.set()
            self._woken.wait(self._poll_seconds)

    def _poll(self) -> None:
        while not (self._stopping.is_set() or self._must_wait()):
            batch = self._store.triage_queue.take(
                _BATCH, now=datetime.now(UTC), hold_seconds=_HOLD_SECONDS
            )
            if not batch:
                return
            self._before()
            self._answer(batch)

    def _answer(self, batch: Sequence[QueuedTriage]) -> None:
        """Triage a batch; if that fails, triage its incidents one by one."""
        try:
            self._triage_together(batch)
        # Models may raise any error, and one incident must not keep the others from an answer.
        except Exception as error:
            if len(batch) > 1:
                for queued in batch:
                    self._answer([queued])
                return
            (queued,) = batch
            self._postpone(queued, error)

    def _triage_together(self, batch: Sequence[QueuedTriage]) -> None:
        tracked = self._store.tracked.find([queued.incident_id for queued in batch])
        present = [queued for queued in batch if queued.incident_id in tracked]
        incidents = [tracked[queued.incident_id] for queued in present]
        if incidents:
            answered = self._triage.triage(
                [incident.incident.report for incident in incidents],
                include=None,
                request_ids={queued.incident_id: queued.request_id for queued in present},
                for_people=[
                    incident.incident.report.id
                    for incident in incidents
                    if incident.tracking.is_touched_by_person
                ],
            )
            for result in answered.items:
                similar = result.all_answers.get("similar")
                match = similar.open_match if isinstance(similar, SimilarPrediction) else None
                self._storms.link(result.incident_id, None if match is None else match.id)
        for queued in batch:
            self._store.triage_queue.finish(queued)

    def _postpone(self, queued: QueuedTriage, error: Exception) -> None:
        seconds = min(_LONGEST_DELAY_SECONDS, 2**queued.attempts)
        fields = {"request_id": queued.request_id, "reason": str(error), "retry_seconds": seconds}
        self._log.warning(
            "an incident waits without an answer", extra={"fields": fields}, exc_info=error
        )
        self._store.triage_queue.postpone(queued, datetime.now(UTC) + timedelta(seconds=seconds))

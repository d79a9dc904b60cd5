"""Runs challengers on incidents after the champions answered them, for comparison only."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from typing import Protocol

from features.domain.predictions import ShadowRecord
from features.encoding.encoded_reports import ReportBatch
from features.errors import StoreUnavailable
from features.store.store import Store
from models.base.predictions import Prediction
from serving.background.champions import LoadedVersion
from serving.runtime.metrics import ServingMetrics

_log = logging.getLogger(__name__)

_MOST_WAITING = 64
_REPORTS_AT_ONCE = 32
_MOST_UNWRITTEN = 500
# The thread rests this many times as long as it worked, but not longer than the longest rest. So it
# works a tenth of the time, or more if a job takes longer than 0.2 seconds.
_REST = 9.0
_LONGEST_REST_SECONDS = 2.0
# The service counts as idle after this time without a request.
_QUIET_SECONDS = 0.01
_PATIENCE_SECONDS = 2.0
_STOP_SECONDS = 3.0


class AnsweredIncident(Protocol):
    """The champions' answers about one incident."""

    @property
    def prediction_id(self) -> str:
        """The id under which the answers are stored."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The label answered for each target."""


@dataclass(frozen=True, slots=True)
class _ShadowJob:
    reports: ReportBatch
    start: int
    answered: Sequence[AnsweredIncident]


class ShadowPredictor:
    """A thread that runs the challengers on the incidents that champions answered.

    Incidents are dropped and counted if the short queue is full, if a challenger fails or if the
    answers cannot be stored. `seconds` is about how long answers wait before they are written.
    """

    def __init__(
        self,
        challengers: Callable[[], Mapping[str, LoadedVersion]],
        store: Store,
        metrics: ServingMetrics,
        seconds: float = 1.0,
    ) -> None:
        self._challengers = challengers
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._queue: Queue[_ShadowJob | None] = Queue(_MOST_WAITING)
        self._unwritten: list[ShadowRecord] = []
        self._revision = 0
        self._counting = Lock()
        self._requests = 0
        self._quiet_since = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._work, name="shadow", daemon=True)
        self._problems: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def request_stop(self) -> None:
        """Tell the thread to write its answers and end; queued incidents are dropped."""
        self._stopping.set()
        # Wakes the thread if it waits for a job. If the queue is full, the thread is not waiting.
        with suppress(Full):
            self._queue.put_nowait(None)

    def stop(self) -> None:
        """End the thread; waits at most three seconds for an answer that is being computed."""
        self.request_stop()
        self._thread.join(_STOP_SECONDS)

    @contextmanager
    def pause_for_request(self) -> Iterator[None]:
        """Delay challengers while a request runs and 10 ms after it, but at most two seconds."""
        with self._counting:
            self._requests += 1
        try:
            yield
        finally:
            with self._counting:
                self._requests -= 1
                self._quiet_since = time.monotonic()

    def enqueue(self, reports: ReportBatch, answered: Sequence[AnsweredIncident]) -> None:
        """Queue reports for the challengers; returns at once."""
        if not self._challengers():
            return
        for start in range(0, len(reports), _REPORTS_AT_ONCE):
            chunk = answered[start : start + _REPORTS_AT_ONCE]
            try:
                self._queue.put_nowait(_ShadowJob(reports, start, chunk))
            except Full:
                self._metrics.count_shadow_drops(len(chunk))

    def _work(self) -> None:
        written_at = time.monotonic()
        while not self._stopping.is_set():
            worked_seconds = self._answer_next()
            is_due = time.monotonic() - written_at >= self._seconds
            if is_due or len(self._unwritten) >= _MOST_UNWRITTEN:
                self._write()
                written_at = time.monotonic()
            self._stopping.wait(min(_REST * worked_seconds, _LONGEST_REST_SECONDS))
        self._write()

    def _answer_next(self) -> float:
        """Answer the next job; return how many seconds it took, 0 if none arrived in time."""
        try:
            job = self._queue.get(timeout=self._seconds)
        except Empty:
            return 0.0
        self._wait_for_quiet()
        started_at = time.monotonic()
        if job is not None:
            self._answer(job)
        return time.monotonic() - started_at

    def _wait_for_quiet(self) -> None:
        """Wait until no request has run for 10 ms, but at most two seconds.

        So challengers are compared even if the service is always busy.
        """
        patience_ends_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < patience_ends_at and not self._stopping.is_set():
            if not self._requests and time.monotonic() - self._quiet_since >= _QUIET_SECONDS:
                return
            self._stopping.wait(_QUIET_SECONDS)

    def _answer(self, job: _ShadowJob) -> None:
        reports = job.reports.take(job.start, job.start + len(job.answered))
        for target, challenger in self._challengers().items():
            # Targets that were not requested or are switched off are not compared.
            rows = [row for row, answers in enumerate(job.answered) if target in answers.labels]
            if not rows:
                continue
            predictions = self._predict(challenger, reports)
            for row in rows if predictions else ():
                self._add_record(challenger, reports[row].id, job.answered[row], predictions[row])

    def _predict(self, challenger: LoadedVersion, reports: ReportBatch) -> Sequence[Prediction]:
        version = challenger.version
        try:
            predictions = challenger.model.predict(reports)
        # An untried model may raise any error, and the thread must not end.
        except Exception as error:
            self._metrics.count_shadow_drops(len(reports))
            key = (version.target, version.version)
            if self._problems.get(key) != str(error):
                fields = {"target": key[0], "version": key[1], "reason": str(error)}
                _log.warning("a challenger cannot answer", extra={"fields": fields})
            self._problems[key] = str(error)
            return ()
        return predictions

    def _add_record(
        self,
        challenger: LoadedVersion,
        incident_id: str,
        answered: AnsweredIncident,
        prediction: Prediction,
    ) -> None:
        target, version = challenger.version.target, challenger.version.version
        self._unwritten.append(
            ShadowRecord(
                prediction_id=answered.prediction_id,
                incident_id=incident_id,
                target=target,
                version=version,
                label=prediction.label,
                confidence=prediction.confidence,
                decision=str(prediction.decision),
                answered_at=datetime.now(UTC),
            )
        )
        self._metrics.count_shadow(target, agrees=prediction.label == answered.labels[target])

    def _write(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        if not unwritten:
            return
        try:
            revision = self._store.incidents.revision()
            is_last = self._queue.empty()
            # Deleting an incident deletes only stored answers; these were not stored yet.
            deleted = self._store.incidents.deleted_since(self._revision)
            self._store.shadow_predictions.record(_exclude(unwritten, deleted))
        except StoreUnavailable as error:
            self._metrics.count_shadow_drops(len(unwritten))
            fields = {"reason": str(error)}
            _log.warning("answers of challengers cannot be stored", extra={"fields": fields})
            return
        if is_last:
            self._revision = revision


def _exclude(records: Iterable[ShadowRecord], incident_ids: frozenset[str]) -> list[ShadowRecord]:
    return [record for record in records if record.incident_id not in incident_ids]

"""Lets challengers answer live traffic in silence, after its answers were given. Knows no HTTP."""

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
# So much longer than it worked the thread rests: requests meet it a tenth of the time at most.
_REST = 9.0
_LONGEST_REST_SECONDS = 2.0
# One request upon another leaves no gap as long as this.
_QUIET_SECONDS = 0.01
_PATIENCE_SECONDS = 2.0


class AnsweredIncident(Protocol):
    """What was answered about one incident."""

    @property
    def prediction_id(self) -> str:
        """The id under which it is stored."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The label answered for each target."""


@dataclass(frozen=True, slots=True)
class _ShadowJob:
    reports: ReportBatch
    start: int
    answered: Sequence[AnsweredIncident]


class ShadowPredictor:
    """One thread that asks the challengers what the champions have answered.

    Little may wait for it: what is more is not asked, and counted. So is what a challenger cannot
    answer, and what cannot be stored, for nobody waits for this. `seconds` is how long answers
    may remain unwritten.
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
        self._refused: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is answered and end; what waits is not asked any more."""
        self._stopping.set()
        # Wakes a thread that waits for something; where there is much to do none does.
        with suppress(Full):
            self._queue.put_nowait(None)
        self._thread.join()

    @contextmanager
    def pause_for_request(self) -> Iterator[None]:
        """Let no challenger begin meanwhile, nor at once thereafter."""
        with self._counting:
            self._requests += 1
        try:
            yield
        finally:
            with self._counting:
                self._requests -= 1
                self._quiet_since = time.monotonic()

    def enqueue(self, reports: ReportBatch, answered: Sequence[AnsweredIncident]) -> None:
        """Let the challengers answer these reports later on; takes no time worth speaking of."""
        if not self._challengers():
            return
        for start in range(0, len(reports), _REPORTS_AT_ONCE):
            part = answered[start : start + _REPORTS_AT_ONCE]
            try:
                self._queue.put_nowait(_ShadowJob(reports, start, part))
            except Full:
                self._metrics.count_shadow_drops(len(part))

    def _work(self) -> None:
        written_at = time.monotonic()
        while not self._stopping.is_set():
            worked = self._answer_next()
            is_due = time.monotonic() - written_at >= self._seconds
            if is_due or len(self._unwritten) >= _MOST_UNWRITTEN:
                self._write()
                written_at = time.monotonic()
            self._stopping.wait(min(_REST * worked, _LONGEST_REST_SECONDS))
        self._write()

    def _answer_next(self) -> float:
        """Answer the next job, if one comes in time; return how many seconds it took."""
        try:
            job = self._queue.get(timeout=self._seconds)
        except Empty:
            return 0.0
        self._wait_for_quiet()
        started = time.monotonic()
        if job is not None:
            self._answer(job)
        return time.monotonic() - started

    def _wait_for_quiet(self) -> None:
        """Wait until no request is being answered, though not for ever: some must be compared."""
        patience_ends_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < patience_ends_at and not self._stopping.is_set():
            if not self._requests and time.monotonic() - self._quiet_since >= _QUIET_SECONDS:
                return
            self._stopping.wait(_QUIET_SECONDS)

    def _answer(self, job: _ShadowJob) -> None:
        reports = job.reports.take(job.start, job.start + len(job.answered))
        for target, challenger in self._challengers().items():
            # A target that was not asked for, or is switched off, is none of the challenger's.
            rows = [row for row, of in enumerate(job.answered) if target in of.labels]
            if not rows:
                continue
            predictions = self._predict(challenger, reports)
            for row in rows if predictions else ():
                self._keep(challenger, reports[row].id, job.answered[row], predictions[row])

    def _predict(self, challenger: LoadedVersion, reports: ReportBatch) -> Sequence[Prediction]:
        version = challenger.version
        try:
            predictions = challenger.model.predict(reports)
        # An untried model may fail in any way, and the thread must outlive each of them.
        except Exception as error:
            self._metrics.count_shadow_drops(len(reports))
            key = (version.target, version.version)
            if self._refused.get(key) != str(error):
                facts = {"target": key[0], "version": key[1], "reason": str(error)}
                _log.warning("a challenger cannot answer", extra={"fields": facts})
            self._refused[key] = str(error)
            return ()
        return predictions

    def _keep(
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
            is_all = self._queue.empty()
            # A deletion takes what is stored of an incident along; this was not stored yet.
            deleted = self._store.incidents.deleted_since(self._revision)
            self._store.shadow_predictions.record(_without(unwritten, deleted))
        except StoreUnavailable as error:
            self._metrics.count_shadow_drops(len(unwritten))
            facts = {"reason": str(error)}
            _log.warning("silent answers cannot be stored", extra={"fields": facts})
            return
        if is_all:
            self._revision = revision


def _without(records: Iterable[ShadowRecord], incident_ids: frozenset[str]) -> list[ShadowRecord]:
    return [record for record in records if record.incident_id not in incident_ids]

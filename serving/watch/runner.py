"""One step after the other, while this process holds the lease: read, score, save, tell."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from features.store.incidents.telemetry import TELEMETRY_KEPT
from features.store.store import Store
from features.timeseries.time_grid import latest_slot, seconds_until_next
from models.base.series_model import SeriesModel
from serving.watch.alert_payload import AlertWriter, summarise
from serving.watch.anomaly_tracker import at
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.http import RequestFailed
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.config import WatchConfig
from serving.watch.engine import Unsaved, WatchScorer
from serving.watch.lease import LEASE, Lease
from serving.watch.metrics import WatchMetrics
from serving.watch.notifications import SENT_AGAIN_AFTER, Notification, NotificationGroups
from serving.watch.query_reader import QueryReader, QueryReaders
from serving.watch.series_keys import SeriesKey

_log = logging.getLogger(__name__)

_RESTORED = timedelta(hours=24)
_SECONDS_BETWEEN_CLEARINGS = 86_400.0
_FORGOTTEN_AT_ONCE = 5_000


class LeaseLost(Exception):
    """Another process watches by now; what this one has not saved is void."""


class WatchRunner:
    """All that a watch remembers between steps; begins where the store says that one ended.

    Anomalies are saved before the states that follow from them: a crash in between repeats the
    step and finds the same anomalies under the same ids. Methods raise `StoreUnavailable`; what was
    not saved then is saved by the next step, before anything is read.
    """

    def __init__(
        self,
        config: WatchConfig,
        *,
        models: Mapping[str, SeriesModel],
        store: Store,
        lease: Lease,
        prometheus: PrometheusClient,
        alertmanager: AlertmanagerClient | None,
        writer: AlertWriter,
        metrics: WatchMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._lease = lease
        self._alertmanager = alertmanager
        self._writer = writer
        self._metrics = metrics
        self._clock = clock
        self._engine = WatchScorer(config, models)
        self._readers = QueryReaders(
            QueryReader(query, prometheus, config.history_days, metrics.count_failure)
            for query in self._engine.queries.values()
        )
        self._book = NotificationGroups()
        self._alerting = CircuitBreaker(
            "Alertmanager",
            {},
            metrics.count_failure("alertmanager"),
            most_seconds=SENT_AGAIN_AFTER.total_seconds(),
        )
        self._clear_at = 0.0
        self._restore()

    def step(self) -> float:
        """Read, score and save what is due, and tell; return how many seconds may be waited."""
        with self._metrics.step_seconds.time():
            self._save()
            now = self._clock()
            latest = latest_slot(now, self._config.step_seconds)
            self._engine.forget_future(latest)
            readings = self._readers.read_due(latest, now)
            self._readers.note_scored(readings, self._engine.feed(readings), now)
            self._save()
        self._tell(latest)
        self._clear()
        self._metrics.show(self._engine.queries.values(), self._clock())
        return self._seconds_to_wait()

    def close(self) -> None:
        """End the threads that read."""
        self._readers.close()

    def _restore(self) -> None:
        now = at(self._clock())
        anomalies = self._store.anomalies.between(now - _RESTORED, now)
        self._book.restore(anomalies, now)
        self._engine.restore(self._store.series_states.of_watch(LEASE), anomalies, self._clock())

    def _save(self) -> None:
        unsaved = self._engine.unsaved
        if unsaved == Unsaved():
            return
        if not self._lease.take():
            raise LeaseLost
        self._store.anomalies.record(list(unsaved.anomalies.values()))
        series = [each for query in unsaved.queries.values() for each in query.to_store()]
        self._store.series_states.save(LEASE, series)
        gone = sorted(map(str, unsaved.forgotten))
        for start in range(0, len(gone), _FORGOTTEN_AT_ONCE):
            self._store.series_states.delete(LEASE, gone[start : start + _FORGOTTEN_AT_ONCE])
        self._book.refresh(unsaved.anomalies.values())
        self._engine.unsaved = Unsaved()

    def _tell(self, latest: int) -> None:
        now = at(self._clock())
        for query in self._engine.queries.values():
            # What lasts at the end of a part of the past may be long over.
            if query.seen_until is not None and query.seen_until >= latest:
                self._book.take(self._engine.known(query), now)
        self._metrics.firing.set(len(self._book.firing))
        due = self._book.due(now)
        if not due or not self._alerting.is_ready(self._clock()):
            return
        try:
            self._send(due, now)
        except RequestFailed as error:
            self._alerting.fail(str(error), self._clock())
            return
        for notification in self._book.note_sent(due, now):
            self._metrics.notifications.labels(notification.group).inc()
            fields = {"group": notification.group, "summary": summarise(notification.lead)}
            _log.info("a notification is sent", extra={"fields": fields})

    def _send(self, due: Sequence[Notification], now: datetime) -> None:
        if self._alertmanager is None:
            return
        self._alertmanager.post(self._writer.write([(n, self._promql_of(n)) for n in due], now))
        self._alerting.succeed()
        self._writer.forget_all_but(n.lead.id for n in self._book.firing)

    def _promql_of(self, notification: Notification) -> str:
        query = self._engine.queries.get(SeriesKey.of_anomaly(notification.lead.id).query)
        return query.config.query if query else ""

    def _clear(self) -> None:
        if self._clock() >= self._clear_at:
            self._store.telemetry.delete_before(at(self._clock()) - TELEMETRY_KEPT)
            self._clear_at = self._clock() + _SECONDS_BETWEEN_CLEARINGS

    def _seconds_to_wait(self) -> float:
        now, step = self._clock(), self._config.step_seconds
        latest = latest_slot(now, step)
        waits = [seconds_until_next(now, step), SENT_AGAIN_AFTER.total_seconds()]
        waits += [each.retry_at - now for each in self._readers.all if each.behind(latest)]
        if self._alerting.problem is not None:
            waits.append(self._alerting.retry_at - now)
        return max(0.0, min(waits))

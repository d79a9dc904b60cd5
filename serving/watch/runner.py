"""The steps of a watch: read, score, save, and send notifications."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from features.domain.telemetry.breach_warning import BreachWarning
from features.domain.telemetry.series_routine import SeriesRoutine
from features.store.incidents.telemetry import TELEMETRY_KEPT
from features.store.store import Store
from features.timeseries.time_grid import latest_slot, seconds_until_next
from models.base.series_model import SeriesModel
from serving.runtime.http_client import RequestFailed
from serving.runtime.rare_saving import RareSaving
from serving.watch.alert_payload import AlertWriter, summarise
from serving.watch.anomaly_tracker import at
from serving.watch.breaches.breach_watch import BreachWatch
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.config import WatchConfig
from serving.watch.engine import Unsaved, WatchScorer
from serving.watch.group_budgets import GROUPS_OF_WATCH
from serving.watch.lease import LEASE, Lease
from serving.watch.metrics import WatchMetrics
from serving.watch.notifications import SENT_AGAIN_AFTER, Notification, NotificationGroups
from serving.watch.open_incidents import read_open_incidents
from serving.watch.query_reader import QueryReader, QueryReaders
from serving.watch.routine_watch import RoutineWatch
from serving.watch.series_keys import SeriesKey

_log = logging.getLogger(__name__)

_RESTORED = timedelta(hours=24)
_WARNINGS_RESTORED = timedelta(days=7)
_SECONDS_BETWEEN_DELETIONS = 86_400.0
_KEYS_PER_DELETION = 5_000


class LeaseLost(Exception):
    """Another process holds the lease now; unsaved changes of this process are lost."""


class WatchRunner:
    """Runs the steps of a watch and keeps its state; continues from the state in the store.

    Anomalies are saved in the step that finds them, the detector states in the same step or later:
    after a crash in between, the steps are repeated and find the same anomalies with the same ids.
    Methods raise `StoreUnavailable`; the next step then saves the unsaved changes before it reads.
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
        self._scorer = WatchScorer(config, models)
        self._readers = QueryReaders(
            QueryReader(query, prometheus, config.history_days, metrics.count_failure)
            for query in self._scorer.queries.values()
        )
        self._notifications = NotificationGroups()
        self._alertmanager_breaker = CircuitBreaker(
            "Alertmanager",
            {},
            metrics.count_failure("alertmanager"),
            most_seconds=SENT_AGAIN_AFTER.total_seconds(),
        )
        self._breaches = BreachWatch(
            config, prometheus, alertmanager, metrics.count_failure, self._save_warnings
        )
        self._routines = RoutineWatch(config, metrics, self._save_routines)
        self._saving = RareSaving()
        self._delete_at = 0.0
        self._restore()

    def step(self) -> float:
        """Read, score and save what is due, and notify; return how many seconds to wait."""
        with self._metrics.step_seconds.time():
            self._save()
            now = self._clock()
            latest = latest_slot(now, self._config.step_seconds)
            revoked = self._store.series_routines.revoked()
            self._scorer.forget_future(latest)
            results = self._readers.read_due(latest, now)
            times = [result.times for result in results]
            incidents = read_open_incidents(self._store.openings, times)
            failed = self._scorer.score(results, incidents, revoked)
            self._readers.record_scored(results, failed, now)
            self._save()
        self._notify(latest)
        self._routines.step(self._scorer.queries.values(), revoked, latest, self._clock())
        self._breaches.step(self._clock())
        self._delete_old_telemetry()
        self._metrics.update(self._scorer.queries.values(), self._clock())
        return self._seconds_to_wait()

    def close(self) -> None:
        """Stop the reading threads."""
        self._readers.close()

    def _restore(self) -> None:
        now = at(self._clock())
        anomalies = self._store.anomalies.between(now - _RESTORED, now)
        self._notifications.restore(anomalies, now)
        self._breaches.restore(self._store.breach_warnings.since(now - _WARNINGS_RESTORED))
        self._routines.restore(self._store.series_routines.all())
        self._scorer.budgets.restore(self._store.series_states.of_watch(GROUPS_OF_WATCH))
        self._scorer.restore(self._store.series_states.of_watch(LEASE), anomalies, self._clock())

    def _save(self) -> None:
        unsaved = self._scorer.unsaved
        is_due = self._saving.is_due()
        if not unsaved.anomalies and (not is_due or unsaved == Unsaved()):
            return
        if not self._lease.take():
            raise LeaseLost
        self._store.anomalies.record(list(unsaved.anomalies.values()))
        self._notifications.refresh(unsaved.anomalies.values())
        unsaved.anomalies = {}
        if is_due:
            with self._saving.measured():
                self._save_states(unsaved)
            self._scorer.unsaved = Unsaved()

    def _save_states(self, unsaved: Unsaved) -> None:
        series = [series for query in unsaved.queries.values() for series in query.to_store()]
        self._store.series_states.save(LEASE, series)
        groups = self._scorer.budgets.to_store(unsaved.queries.values())
        self._store.series_states.save(GROUPS_OF_WATCH, groups)
        keys = sorted(map(str, unsaved.forgotten))
        for start in range(0, len(keys), _KEYS_PER_DELETION):
            self._store.series_states.delete(LEASE, keys[start : start + _KEYS_PER_DELETION])

    def _save_warnings(self, warnings: Sequence[BreachWarning]) -> None:
        if not self._lease.take():
            raise LeaseLost
        self._store.breach_warnings.record(warnings)

    def _save_routines(self, routines: Sequence[SeriesRoutine]) -> None:
        if not self._lease.take():
            raise LeaseLost
        self._store.series_routines.record(routines)

    def _notify(self, latest: int) -> None:
        now = at(self._clock())
        for query in self._scorer.queries.values():
            # An anomaly that lasts at the end of an old chunk may have ended since then.
            if query.seen_until is not None and query.seen_until >= latest:
                self._notifications.add(self._scorer.recent_anomalies(query), now)
        self._metrics.firing.set(len(self._notifications.firing))
        due = self._notifications.due(now)
        if not due or not self._alertmanager_breaker.is_ready(self._clock()):
            return
        try:
            self._send(due, now)
        except RequestFailed as error:
            self._alertmanager_breaker.fail(str(error), self._clock())
            return
        for notification in self._notifications.record_sent(due, now):
            self._metrics.notifications.labels(notification.group).inc()
            fields = {"group": notification.group, "summary": summarise(notification.lead)}
            _log.info("a notification was sent", extra={"fields": fields})

    def _send(self, due: Sequence[Notification], now: datetime) -> None:
        if self._alertmanager is None:
            return
        alerts = [(notification, self._promql_of(notification)) for notification in due]
        self._alertmanager.post(self._writer.write(alerts, now))
        self._alertmanager_breaker.succeed()
        self._writer.forget_others(
            notification.lead.id for notification in self._notifications.firing
        )

    def _promql_of(self, notification: Notification) -> str:
        query = self._scorer.queries.get(SeriesKey.of_anomaly(notification.lead.id).query)
        return query.config.query if query else ""

    def _delete_old_telemetry(self) -> None:
        if self._clock() >= self._delete_at:
            self._store.telemetry.delete_before(at(self._clock()) - TELEMETRY_KEPT)
            self._delete_at = self._clock() + _SECONDS_BETWEEN_DELETIONS

    def _seconds_to_wait(self) -> float:
        now, step = self._clock(), self._config.step_seconds
        latest = latest_slot(now, step)
        waits = [seconds_until_next(now, step), SENT_AGAIN_AFTER.total_seconds()]
        waits += [reader.retry_at - now for reader in self._readers.all if reader.behind(latest)]
        if self._alertmanager_breaker.problem is not None:
            waits.append(self._alertmanager_breaker.retry_at - now)
        return max(0.0, min(waits))

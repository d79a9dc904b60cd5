"""Takes deliveries of alerts: stores them, queues the incidents for triage, and answers at once."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from features.domain.alerts.alert import Alert
from features.domain.tracking import Author, TrackedIncident
from features.errors import StoreUnavailable
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from features.text.masking import Masking
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.services.alerts.alert_report import SOURCE
from serving.services.alerts.delivery import Delivery, read_delivery
from serving.services.alerts.episodes import Effect, EpisodeDecision, decide_episode

_CHANGE_DELAY = timedelta(seconds=5)
"""A change waits this long for further ones before the incident is triaged again."""


@dataclass(frozen=True, slots=True)
class AlertEffect:
    """What a delivery did; `incident_id` is None if it concerned no incident.

    `queued` says whether the incident waits to be triaged because of the delivery.
    """

    effect: Effect
    incident_id: str | None
    queued: bool = False


class AlertIntake:
    """Applies deliveries of alerts; a repeated delivery changes nothing.

    The incident, its alerts and its place in the queue are written in one transaction, so that what
    was acknowledged is not lost if the process is killed. Deliveries that arrive while another one
    is written are then written together. `on_queued` is called after an incident was queued.
    Raises `StoreUnavailable`, after which Alertmanager delivers again.
    """

    def __init__(
        self,
        store: Store,
        masking: Masking,
        stale_after: timedelta,
        heartbeat_names: frozenset[str],
        on_queued: Callable[[], None],
    ) -> None:
        self._store = store
        self._masking = masking
        self._stale_after = stale_after
        self._heartbeat_names = heartbeat_names
        self._waiting: deque[_Waiting] = deque()
        self._is_writing = Lock()
        self._on_queued = on_queued

    def take(self, body: AlertmanagerRequest, request_id: str) -> AlertEffect:
        """Open, update, reopen or resolve the incident of a delivery's group."""
        now = datetime.now(UTC)
        received = read_delivery(body, self._masking, now)
        delivery = self._without_heartbeats(received)
        if received.alerts and not delivery.alerts:
            return AlertEffect("heartbeat", None)
        waiting = _Waiting(delivery, request_id, self._stale_after)
        self._waiting.append(waiting)
        # While one thread writes, others wait for the lock; the next one writes for all of them.
        with self._is_writing:
            if not waiting.written.done():
                self._write(self._take_waiting())
        waiting.written.result()
        decision = waiting.decision
        if decision.is_triaged:
            self._on_queued()
        return AlertEffect(decision.effect, incident_id(decision), decision.is_triaged)

    def _write(self, deliveries: "Sequence[_Waiting]") -> None:
        """Write deliveries in one transaction.

        If one of them makes it fail, each is written in a transaction of its own.
        """
        try:
            self._store.tracked.revise_groups(
                [(waiting.delivery.prefix, waiting.decide) for waiting in deliveries]
            )
        # Whatever fails, the other threads must hear of it, and must not wait for ever.
        except BaseException as error:
            concerns_all = isinstance(error, StoreUnavailable) or not isinstance(error, Exception)
            if len(deliveries) > 1 and not concerns_all:
                for waiting in deliveries:
                    self._write([waiting])
                return
            # Those that arrived meanwhile have waited too, and would wait for a second time limit.
            for waiting in (*deliveries, *self._take_waiting()):
                waiting.written.set_exception(error)
            return
        for waiting in deliveries:
            waiting.written.set_result(None)

    def _take_waiting(self) -> "list[_Waiting]":
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _without_heartbeats(self, delivery: Delivery) -> Delivery:
        """Store when the alerts that must always fire were heard, and return the other alerts."""
        others: list[Alert] = []
        for alert in delivery.alerts:
            name = alert.labels.get("alertname", "")
            if name.casefold() in self._heartbeat_names:
                self._store.heartbeats.record(
                    name, delivery.arrived_at, is_ended=not alert.is_firing
                )
            else:
                others.append(alert)
        return replace(delivery, alerts=tuple(others))


class _Waiting:
    """A delivery that waits to be written, and what it did once it is written."""

    def __init__(self, delivery: Delivery, request_id: str, stale_after: timedelta) -> None:
        self.delivery = delivery
        self.written: Future[None] = Future()
        self.decision = EpisodeDecision("unchanged")
        self._request_id = request_id
        self._stale_after = stale_after

    def decide(self, stored: tuple[TrackedIncident, ...]) -> Revision | None:
        """Decide what the delivery does to its group."""
        self.decision = decision = decide_episode(stored, self.delivery, self._stale_after)
        if not decision.written:
            return None
        return Revision(
            decision.written,
            Author.SOURCE,
            self.delivery.arrived_at,
            SOURCE,
            triaged=(incident_id(decision) or "",) if decision.is_triaged else (),
            request_id=self._request_id,
            triage_delay=timedelta() if decision.effect == "opened" else _CHANGE_DELAY,
        )


def incident_id(decision: EpisodeDecision) -> str | None:
    """Return the id of the incident that a delivery concerns."""
    return None if decision.incident is None else decision.incident.incident.report.id

"""Takes deliveries of alerts: stores them, queues the incidents for triage, and answers at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from features.domain.alerts.alert import Alert
from features.domain.tracking import Author, TrackedIncident
from features.store.incidents.tracked_incidents import Revision
from features.store.store import Store
from features.text.masking import Masking
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.services.alerts.alert_report import SOURCE
from serving.services.alerts.delivery import Delivery, read_delivery
from serving.services.alerts.episodes import Effect, EpisodeDecision, decide_episode


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
    was acknowledged is not lost if the process is killed. `on_queued` is called after an incident
    was queued. Raises `StoreUnavailable`, after which Alertmanager delivers again.
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
        self._on_queued = on_queued

    def take(self, body: AlertmanagerRequest, request_id: str) -> AlertEffect:
        """Open, update, reopen or resolve the incident of a delivery's group."""
        now = datetime.now(UTC)
        received = read_delivery(body, self._masking, now)
        delivery = self._without_heartbeats(received)
        if received.alerts and not delivery.alerts:
            return AlertEffect("heartbeat", None)
        decision = EpisodeDecision("unchanged")

        def decide(stored: tuple[TrackedIncident, ...]) -> Revision | None:
            nonlocal decision
            decision = decide_episode(stored, delivery, self._stale_after)
            if not decision.written:
                return None
            return Revision(
                decision.written,
                Author.SOURCE,
                now,
                SOURCE,
                triaged=(incident_id(decision) or "",) if decision.is_triaged else (),
                request_id=request_id,
            )

        self._store.tracked.revise_group(delivery.prefix, decide)
        if decision.is_triaged:
            self._on_queued()
        return AlertEffect(decision.effect, incident_id(decision), decision.is_triaged)

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


def incident_id(decision: EpisodeDecision) -> str | None:
    """Return the id of the incident that a delivery concerns."""
    return None if decision.incident is None else decision.incident.incident.report.id

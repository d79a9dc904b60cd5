"""Marks the incidents as stale of whose alerts nothing was heard for too long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, TypeAdapter, ValidationError

from features.domain.report import Status
from features.domain.tracking import Author, TrackedIncident
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from serving.background.poller import Poller
from serving.runtime.http_client import HttpClient, RequestFailed, shorten
from serving.runtime.settings import ServingSettings

_POLL_SECONDS = 60.0
_TIMEOUT_SECONDS = 10.0
_PATH = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true"


class _KnownAlert(BaseModel):
    """An alert that Alertmanager has; other fields are ignored."""

    fingerprint: str


_KNOWN_ALERTS = TypeAdapter(list[_KnownAlert])


class StaleIncidentMarker(Poller):
    """Marks open incidents as stale whose alerts were unheard for the time that the settings state.

    A stale incident stays open and gets no time of resolution, because nobody said that it ended.
    If the settings name an Alertmanager, it is asked first: an alert that it still has, for example
    silenced, counts as heard. While it does not answer, no incident becomes stale.
    """

    failure = "stale incidents cannot be marked"

    def __init__(self, store: Store, settings: ServingSettings) -> None:
        super().__init__(_POLL_SECONDS, "stale incidents", patience_seconds=0.0)
        self._store = store
        self._stale_after = timedelta(hours=settings.alert_stale_hours)
        self._address = settings.alertmanager_url

    def _poll(self) -> None:
        now = datetime.now(UTC)
        unheard = self._store.tracked.unheard_since(now - self._stale_after)
        if not unheard:
            return
        known = frozenset() if self._address is None else _fingerprints(self._address)
        for incident_id in unheard:
            self._store.tracked.revise(incident_id, lambda stored: self._mark(stored, known, now))

    def _mark(
        self, stored: tuple[TrackedIncident, ...], known: frozenset[str], now: datetime
    ) -> Revision | None:
        if not stored:
            return None
        (tracked,) = stored
        alerts = tracked.alerts
        heard = tuple(
            replace(alert, last_seen_at=now)
            if alert.is_firing and alert.fingerprint in known
            else alert
            for alert in alerts
        )
        if heard != alerts:
            return Revision((replace(tracked, alerts=heard),), Author.PRECEDENT, now)
        last = max((alert.last_seen_at for alert in alerts if alert.last_seen_at), default=now)
        outcome = tracked.incident.outcome
        # An alert may have been heard, or a person may have resolved it, since the query.
        if last >= now - self._stale_after or outcome.effective_status is not Status.OPEN:
            return None
        incident = replace(tracked.incident, outcome=replace(outcome, status=Status.STALE))
        return Revision((replace(tracked, incident=incident),), Author.PRECEDENT, now)


def _fingerprints(address: str) -> frozenset[str]:
    """Return the fingerprints of the alerts that Alertmanager has; raises `RequestFailed`."""
    server = HttpClient(address, _TIMEOUT_SECONDS)
    try:
        status, body = server.get(_PATH)
        alerts = _KNOWN_ALERTS.validate_json(body) if status == 200 else None
    except ValidationError:
        alerts = None
    finally:
        server.close()
    if alerts is None:
        raise RequestFailed(f"Alertmanager did not list its alerts: {shorten(body)!r}")
    return frozenset(alert.fingerprint for alert in alerts)

"""Opens, triages and resolves an incident for each group of alerts from Alertmanager."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.tracking import Author, TrackedIncident
from features.errors import PrecedentError
from features.store.incidents.tracked_incidents import Revision
from features.store.store import Store
from features.text.masking import Masking
from features.text.parsing import MAX_ID_LENGTH, MAX_TEXT_LENGTH, parse_name, parse_report
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.services.triage import TriageService

_log = logging.getLogger(__name__)

RESOLUTION = "resolved by alertmanager"
"""The resolution of incidents that Alertmanager resolved; it counts as no recorded fix."""

Effect = Literal["opened", "resolved", "unchanged"]

_SOURCE = "alertmanager"
_SERVICES = ("service", "app", "app_kubernetes_io_name", "application", "component", "job")
_TITLES = ("summary", "title")
_DESCRIPTIONS = ("description", "message")
_RUNBOOK = "runbook_url"
_MOST_LINES = 20
_WAIT_SECONDS = 3.0
_TRIAGES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class AlertEffect:
    """What a delivery did; `incident_id` is None if it concerned no incident.

    `prediction_id` is None if nothing was triaged, or if the triage failed or takes too long.
    """

    effect: Effect
    incident_id: str | None
    prediction_id: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionResult:
    """The incident that was chosen, if any, and whether it had to be written."""

    incident: ResolvedIncident | None
    is_written: bool


class AlertmanagerHook:
    """Applies the deliveries of Alertmanager; a repeated delivery changes nothing.

    A firing group whose alerts began before its incident was resolved reopens that incident,
    because an alert that fires again keeps its start time. An old delivery that arrives late cannot
    be distinguished from this and reopens it too: an incident that is open without need is better
    than a missed alert. An incident that a person resolved stays resolved. The hook waits at most
    three seconds for a triage; a later answer is stored, but not returned. Raises
    `StoreUnavailable`, after which Alertmanager tries again.
    """

    def __init__(self, store: Store, triage: TriageService, masking: Masking) -> None:
        self._store = store
        self._triage = triage
        self._masking = masking
        self._executor = ThreadPoolExecutor(_TRIAGES_AT_ONCE, thread_name_prefix="alertmanager")

    def take(self, body: AlertmanagerRequest, request_id: str) -> AlertEffect:
        """Open, reopen or resolve the incident of a delivery's group, or leave it unchanged."""
        prefix = f"alert-{body.key}-"
        if body.is_resolved:
            revised = self._revise(prefix, lambda stored: _resolved(stored, body))
            return AlertEffect(
                "resolved" if revised.is_written else "unchanged", _incident_id(revised)
            )
        report = alert_report(body, prefix, self._masking)
        revised = self._revise(prefix, lambda stored: _firing(stored, report))
        if revised.incident is None or not revised.is_written:
            return AlertEffect("unchanged", _incident_id(revised))
        report = revised.incident.report
        future = self._executor.submit(self._answer, report, request_id)
        return AlertEffect("opened", report.id, _result_in_time(future))

    def _revise(
        self,
        prefix: str,
        decide: Callable[[tuple[ResolvedIncident, ...]], ResolvedIncident | None],
    ) -> RevisionResult:
        result = RevisionResult(None, False)

        def decide_tracked(stored: tuple[TrackedIncident, ...]) -> Revision | None:
            nonlocal result
            incidents = tuple(tracked.incident for tracked in stored)
            incident = decide(incidents)
            result = RevisionResult(incident, incident is not None and incident not in incidents)
            if incident is None or not result.is_written:
                return None
            return Revision((TrackedIncident(incident),), Author.SOURCE, datetime.now(UTC), _SOURCE)

        self._store.tracked.revise_group(prefix, decide_tracked)
        return result

    def close(self) -> None:
        """Accept no more deliveries, and wait until every opened incident is triaged."""
        self._executor.shutdown()

    def _answer(self, report: IncidentReport, request_id: str) -> str | None:
        try:
            triages = self._triage.triage([report], include=None, request_id=request_id)
        except PrecedentError as error:
            fields = {"request_id": request_id, "reason": str(error)}
            _log.warning("an alert was stored without an answer", extra={"fields": fields})
            return None
        except Exception:
            # Logged here, because no caller sees what the future raises once the wait has ended.
            facts = {"request_id": request_id}
            _log.exception("an alert was stored without an answer", extra={"fields": facts})
            return None
        return triages.items[0].prediction_id


def alert_report(body: AlertmanagerRequest, prefix: str, masking: Masking) -> IncidentReport:
    """Return the report of a firing group, cleaned and masked.

    Its id is the prefix and the earliest start time of the firing alerts, or the present time if
    no alert has a start time. Labels, annotations other than titles and descriptions, and further
    fields become attributes. Under the same name, a label replaces an annotation, and an annotation
    replaces a field.
    """
    labels = body.labels()
    opened_at = body.began_at or datetime.now(UTC)
    annotations = body.annotations()
    titles = _first_annotation(annotations, _TITLES) or [labels.get("alertname", "Alert")]
    lines = _first_annotation(annotations, _DESCRIPTIONS) or titles[1:]
    other_annotations = {
        name: ", ".join(values)
        for name, values in annotations.items()
        if name not in (*_TITLES, *_DESCRIPTIONS)
    }
    if annotations.get(_RUNBOOK):
        other_annotations[_RUNBOOK] = annotations[_RUNBOOK][0]
    attributes = body.other_fields() | other_annotations | labels
    return parse_report(
        id=f"{prefix}{opened_at:%Y%m%dT%H%M%S}{opened_at.microsecond // 1000:03d}",
        masking=masking,
        opened_at=opened_at,
        title=titles[0][:MAX_TEXT_LENGTH],
        description="\n".join(lines[:_MOST_LINES])[:MAX_TEXT_LENGTH],
        service=next((labels[name] for name in _SERVICES if labels.get(name)), None),
        source=_SOURCE,
        attributes={
            parse_name(name)[:MAX_ID_LENGTH]: value[:MAX_TEXT_LENGTH]
            for name, value in attributes.items()
        },
    )


def _first_annotation(annotations: Mapping[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return next((annotations[name] for name in names if annotations.get(name)), [])


def _firing(stored: Iterable[ResolvedIncident], report: IncidentReport) -> ResolvedIncident:
    """Return the group's open incident, otherwise its incident of the same episode, or a new one.

    The incident of the same episode is reopened unless a person resolved it.
    """
    incidents = list(stored)
    for incident in incidents:
        if incident.outcome.resolved_at is None:
            return incident
    for incident in incidents:
        if _is_same_episode(report, incident):
            return _reopened(incident)
    return ResolvedIncident(report, Outcome())


def _is_same_episode(report: IncidentReport, incident: ResolvedIncident) -> bool:
    """Return whether the alerts began before the incident was resolved, or when it was opened."""
    began_at, resolved_at = report.opened_at, incident.outcome.resolved_at
    is_before = began_at is not None and resolved_at is not None and began_at <= resolved_at
    return is_before or report.id == incident.report.id


def _reopened(incident: ResolvedIncident) -> ResolvedIncident:
    """Return an incident reopened if this hook resolved it, unchanged if a person did."""
    if incident.outcome.resolution != RESOLUTION:
        return incident
    return replace(incident, outcome=replace(incident.outcome, resolved_at=None, resolution=None))


def _resolved(
    stored: tuple[ResolvedIncident, ...], body: AlertmanagerRequest
) -> ResolvedIncident | None:
    """Return the group's last incident, resolved; None if the group has none.

    The incident is unchanged if it is already resolved, or if it opened after the alerts ended.
    """
    if not stored:
        return None
    last = stored[-1]
    resolved_at = body.ended_at or datetime.now(UTC)
    began_later = last.report.opened_at is not None and resolved_at < last.report.opened_at
    if last.outcome.resolved_at is not None or began_later:
        return last
    resolution = last.outcome.resolution or RESOLUTION
    outcome = replace(last.outcome, resolved_at=resolved_at, resolution=resolution)
    return ResolvedIncident(last.report, outcome)


def _incident_id(revised: RevisionResult) -> str | None:
    return None if revised.incident is None else revised.incident.report.id


def _result_in_time(future: "Future[str | None]") -> str | None:
    try:
        return future.result(timeout=_WAIT_SECONDS)
    except NotYet:
        return None

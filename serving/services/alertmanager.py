"""Groups of alerts become incidents: opened and triaged at once, resolved when they are over."""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import PrecedentError
from features.store.incidents.incidents import RevisionResult
from features.store.store import Store
from features.text.masking import Masking
from features.text.parsing import MAX_ID_LENGTH, MAX_TEXT_LENGTH, parse_name, parse_report
from serving.schemas.alertmanager import AlertmanagerRequest
from serving.services.triage import TriageService

_log = logging.getLogger(__name__)

RESOLUTION = "resolved by alertmanager"
"""Names no fix, and is read as none."""

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
    """What a delivery did; both ids are None where there is nothing to name."""

    effect: Effect
    incident_id: str | None
    prediction_id: str | None = None


class AlertmanagerHook:
    """Takes the deliveries of Alertmanager in; the same one twice changes nothing the second time.

    What fires and began before its group's incident was resolved is that incident, and opens it
    again: an alert that lapsed and came back keeps its start. An old delivery that comes late
    looks just the same and opens it too, for an incident too many is better than an alert missed.
    Not where a person said how it was resolved: that stays. A delivery is answered within some
    seconds: a triage that takes longer is stored when it is done. Raises `StoreUnavailable`, upon
    which Alertmanager tries again.
    """

    def __init__(self, store: Store, triage: TriageService, masking: Masking) -> None:
        self._store = store
        self._triage = triage
        self._masking = masking
        self._executor = ThreadPoolExecutor(_TRIAGES_AT_ONCE, thread_name_prefix="alertmanager")

    def take(self, body: AlertmanagerRequest, request_id: str) -> AlertEffect:
        """Open, open again, resolve or leave the incident of the group a delivery tells of."""
        prefix = f"alert-{body.key}-"
        if body.is_resolved:
            revised = self._store.incidents.revise(prefix, lambda known: _resolved(known, body))
            return AlertEffect("resolved" if revised.is_written else "unchanged", _id_of(revised))
        report = alert_report(body, prefix, self._masking)
        revised = self._store.incidents.revise(prefix, lambda known: _running(known, report))
        if revised.incident is None or not revised.is_written:
            return AlertEffect("unchanged", _id_of(revised))
        opened = revised.incident.report
        answering = self._executor.submit(self._answer, opened, request_id)
        return AlertEffect("opened", opened.id, _result_soon(answering))

    def close(self) -> None:
        """Wait until every incident that was opened is triaged; nothing is taken any more."""
        self._executor.shutdown()

    def _answer(self, report: IncidentReport, request_id: str) -> str | None:
        try:
            triages = self._triage.triage([report], include=None, request_id=request_id)
        except PrecedentError as error:
            facts = {"request_id": request_id, "reason": str(error)}
            _log.warning("an alert was stored without an answer", extra={"fields": facts})
            return None
        return triages.items[0].prediction_id


def alert_report(body: AlertmanagerRequest, prefix: str, masking: Masking) -> IncidentReport:
    """Return the report of a firing group, cleaned and masked.

    Its id is the prefix and the time at which the first alert began. Labels, further annotations
    and fields become attributes; of two with one name the label is kept.
    """
    labels = body.labels()
    opened_at = body.began_at or datetime.now(UTC)
    annotations = {name: body.annotations(name) for name in body.annotation_names()}
    titles = _first(annotations, _TITLES) or [labels.get("alertname", "Alert")]
    lines = _first(annotations, _DESCRIPTIONS) or titles[1:]
    further = {
        name: ", ".join(values)
        for name, values in annotations.items()
        if name not in (*_TITLES, *_DESCRIPTIONS)
    }
    if annotations.get(_RUNBOOK):
        further[_RUNBOOK] = annotations[_RUNBOOK][0]
    facts = body.further() | further | labels
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
            for name, value in facts.items()
        },
    )


def _first(annotations: Mapping[str, list[str]], names: tuple[str, ...]) -> list[str]:
    return next((annotations[name] for name in names if annotations.get(name)), [])


def _running(known: Iterable[ResolvedIncident], report: IncidentReport) -> ResolvedIncident:
    """Return the incident of this episode: one that is open, opened again, or else new."""
    incidents = list(known)
    for incident in incidents:
        if incident.outcome.resolved_at is None:
            return incident
    for incident in incidents:
        if _is_of_episode(report, incident):
            return _opened_again(incident)
    return ResolvedIncident(report, Outcome())


def _is_of_episode(report: IncidentReport, known: ResolvedIncident) -> bool:
    """Tell whether what fires began before all of the group's alerts were over."""
    began_at, resolved_at = report.opened_at, known.outcome.resolved_at
    is_before = began_at is not None and resolved_at is not None and began_at <= resolved_at
    return is_before or report.id == known.report.id


def _opened_again(known: ResolvedIncident) -> ResolvedIncident:
    """Return an incident without the resolution that this hook gave it, or as a person left it."""
    if known.outcome.resolution != RESOLUTION:
        return known
    return replace(known, outcome=replace(known.outcome, resolved_at=None, resolution=None))


def _resolved(
    known: tuple[ResolvedIncident, ...], body: AlertmanagerRequest
) -> ResolvedIncident | None:
    """Return the group's last incident, resolved unless it is so already or began later."""
    if not known:
        return None
    last = known[-1]
    resolved_at = body.ended_at or datetime.now(UTC)
    began_later = last.report.opened_at is not None and resolved_at < last.report.opened_at
    if last.outcome.resolved_at is not None or began_later:
        return last
    resolution = last.outcome.resolution or RESOLUTION
    outcome = replace(last.outcome, resolved_at=resolved_at, resolution=resolution)
    return ResolvedIncident(last.report, outcome)


def _id_of(revised: RevisionResult) -> str | None:
    return None if revised.incident is None else revised.incident.report.id


def _result_soon(answering: "Future[str | None]") -> str | None:
    try:
        return answering.result(timeout=_WAIT_SECONDS)
    except NotYet:
        return None

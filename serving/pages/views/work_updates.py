"""Reads what a person wrote into the forms of an incident as updates of the incident."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident
from features.store.incidents.incident_update import IncidentUpdate, given_in
from features.text.parsing import parse_name
from features.text.resolutions import named_fix
from serving.runtime.errors import FieldError, InvalidFields
from serving.schemas.parsing import RequestReader
from serving.schemas.requests import UpsertRequest

REPORT_FIELDS, OUTCOME_FIELDS = ("title", "service"), ("severity", "assignment")
_FIX_LABEL = "Fix: "


def acknowledge(incident: ResolvedIncident, actor: str) -> IncidentUpdate:
    """Return the update by which a person says that they work on an incident."""
    tracking = {"acknowledged_at": datetime.now(UTC), "acknowledged_by": actor}
    return replace(_empty(incident, actor), tracking=tracking)


def edit(
    reader: RequestReader, incident: ResolvedIncident, form: Mapping[str, str], actor: str
) -> IncidentUpdate:
    """Return the update with the fields whose values differ from those that the form showed.

    A field that was not changed keeps its author, so that the source can still change it. Raises
    `InvalidFields` for an empty title, a text over its limit, or a form without any change.
    """
    changed = {
        name: form.get(name, "").strip() or None
        for name in (*REPORT_FIELDS, *OUTCOME_FIELDS)
        if form.get(name, "").strip() != form.get(f"was_{name}", "").strip()
    }
    if not changed:
        raise InvalidFields([FieldError("title", "nothing was changed")])
    if "title" in changed and changed["title"] is None:
        raise InvalidFields([FieldError("title", "an incident needs a title")])
    return _read(reader, incident, changed, actor)


def resolve(
    reader: RequestReader, incident: ResolvedIncident, form: Mapping[str, str], actor: str
) -> IncidentUpdate:
    """Return the update with what fixed an incident; a resolved one keeps its time of resolution.

    A proposed text that was not changed must be confirmed. Raises `InvalidFields`.
    """
    text = _lines(form.get("resolution", ""))
    if not text:
        raise InvalidFields([FieldError("resolution", "write what fixed it")])
    if text == _lines(form.get("proposal", "")) and form.get("confirmed") != "yes":
        message = "this text is a proposal: change it, or confirm that it is what fixed this one"
        raise InvalidFields([FieldError("resolution", message)])
    values: dict[str, str | None] = {"resolution": as_fix(text)}
    runbook_id = form.get("runbook_id") or None
    if runbook_id != incident.outcome.runbook_id:
        values["runbook_id"] = runbook_id
    update = _read(reader, incident, values, actor)
    change_id = parse_name(form.get("change_id", ""))[:512] or None
    update = replace(update, tracking={"change_id": change_id})
    if not incident.outcome.is_open:
        return update
    outcome = replace(update.outcome, resolved_at=datetime.now(UTC), status=Status.RESOLVED)
    given = update.given | {"resolved_at", "status"}
    return replace(update, outcome=outcome, given=given)


def reopen(incident: ResolvedIncident, actor: str) -> IncidentUpdate:
    """Return the update that opens an incident again; its resolution stays in the history only."""
    update = _empty(incident, actor)
    outcome, given = Outcome(status=Status.OPEN), frozenset({"status", "resolution"})
    return replace(update, outcome=outcome, given=given)


def close_with(head: TrackedIncident, member: TrackedIncident, actor: str) -> IncidentUpdate:
    """Return the update that resolves a consequence with the fix of the head of its storm."""
    fix = head.incident.outcome
    outcome = Outcome(
        resolution=fix.resolution,
        runbook_id=fix.runbook_id,
        resolved_at=datetime.now(UTC),
        status=Status.RESOLVED,
    )
    update = _empty(member.incident, actor)
    given = given_in(ResolvedIncident(update.report, outcome))
    tracking = {"change_id": head.tracking.change_id}
    return replace(update, outcome=outcome, given=given, tracking=tracking)


def as_fix(text: str) -> str:
    """Return a text that a person wrote as the fix, marked as one if its words do not show it.

    >>> as_fix("Restarted the spooler"), as_fix("the cable was loose")
    ('Restarted the spooler', 'Fix: the cable was loose')
    """
    is_clear = named_fix(text) is not None or named_fix(_FIX_LABEL + text) is None
    return text if is_clear else _FIX_LABEL + text


def _empty(incident: ResolvedIncident, actor: str) -> IncidentUpdate:
    report = IncidentReport(incident.report.id)
    return IncidentUpdate(report, Outcome(), frozenset(), Author.PERSON, actor)


def _read(
    reader: RequestReader,
    incident: ResolvedIncident,
    values: Mapping[str, str | None],
    actor: str,
) -> IncidentUpdate:
    report = {name: value for name, value in values.items() if name in REPORT_FIELDS}
    outcome = {name: value for name, value in values.items() if name not in REPORT_FIELDS}
    fields = {"incident": {"id": "1"} | report, "outcome": outcome, "given_by": actor}
    body = reader.form(UpsertRequest, fields)
    update = body.update(reader.report(body.incident), reader.masking)
    # The id is the stored one, which may contain marks of masking.
    return replace(update, report=replace(update.report, id=incident.report.id))


def _lines(text: str) -> str:
    """Return a text with the line ends that the store uses; browsers send others."""
    return "\n".join(text.strip().splitlines())

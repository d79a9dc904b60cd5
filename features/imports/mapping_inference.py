"""Infers a mapping from headers: our field names, and those of usual ServiceNow or Jira exports."""

from collections.abc import Iterable, Mapping, Sequence

from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.text.tokens import plain_name

# Headers are compared by their letters and digits. A role takes the first name in its list that
# the export has.
_REPORT_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "number", "issuekey", "incidentid", "incidentnumber", "ticketid", "issueid"),
    "opened_at": ("openedat", "opened", "created", "createdat", "createddate", "syscreatedon"),
    "title": ("title", "shortdescription", "summary", "subject"),
    "description": ("description",),
    "service": ("service", "cmdbci", "configurationitem", "businessservice"),
    "source": ("source", "contacttype", "channel"),
}
_OUTCOME_NAMES: Mapping[str, tuple[str, ...]] = {
    "category": ("category", "components", "component"),
    "assignment": ("assignment", "assignmentgroup"),
    "severity": ("severity", "priority", "urgency"),
    "impact": ("impact",),
    "urgency": ("urgency",),
    "resolution": ("resolution", "closenotes", "resolutionnotes"),
    "runbook_id": ("runbookid", "kbarticle", "kbknowledge", "knowledgearticle"),
    "resolved_at": ("resolvedat", "resolved", "resolutiondate", "closedat", "closed"),
    "duplicate_of": ("duplicateof", "parentincident"),
}
_FIELD_NAMES = ("subcategory", "category1", "usubcategory")
_CALLER_NAMES = (
    *("caller", "callerid", "reporter", "openedby", "requestedfor", "requester", "requestedby"),
)
_ATTRIBUTE_NAMES = (
    *_CALLER_NAMES,
    *("location", "company", "department", "usymptom", "project", "projectkey", "issuetype"),
    "environment",
)
_TRACKER_MARKS = frozenset({"issuekey", "issueid"})
_SERVICE_DESK_MARKS = frozenset({"number", "shortdescription", "assignmentgroup"})
_MIN_USEFUL = frozenset({"title", "description", "service", "source"})


def is_caller(column: str) -> bool:
    """Return whether a column names the caller, who is always known at opening.

    >>> is_caller("Caller ID"), is_caller("closed_by")
    (True, False)
    """
    return plain_name(column) in _CALLER_NAMES


def recognise(columns: Sequence[str]) -> HistoryMapping:
    """Return the mapping that an export's headers imply.

    A column has one role. Impact and urgency are labels, never attributes. Raises
    `BadMapping` if no title, description, service or source is recognised, unless the export is an
    audit trail.

    >>> mapping = recognise(["Number", "Short description", "Assignment group", "Priority"])
    >>> mapping.report.title.column, mapping.outcome.severity.column
    ('Short description', 'Priority')
    """
    unused: dict[str, str] = {}
    for column in columns:
        unused.setdefault(plain_name(column), column)
    is_tracker = bool(_TRACKER_MARKS & unused.keys())
    is_service_desk = len(_SERVICE_DESK_MARKS & unused.keys()) > 1
    events = _take_events(unused) if is_service_desk else None
    # A tracker's resolution is one word from a list, not a text about what was done.
    fields = _take_columns(unused, (*_FIELD_NAMES, *(("resolution",) if is_tracker else ())))
    report: dict[str, object] = dict(_take_roles(unused, _REPORT_NAMES))
    outcome: dict[str, object] = dict(_take_roles(unused, _outcome_names(is_service_desk)))
    if events is None and not _MIN_USEFUL & report.keys():
        names = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
        raise BadMapping(
            f"no column with a text or service is recognised ({names}); say what the columns "
            "mean with --mapping"
        )
    report["attributes"] = _take_columns(unused, _ATTRIBUTE_NAMES)
    return HistoryMapping.model_validate(
        {"report": report, "outcome": outcome | {"fields": fields}, "events": events}
    )


def _outcome_names(is_service_desk: bool) -> Mapping[str, tuple[str, ...]]:
    # On a service desk most severities keep their default value, while the priority is maintained.
    severity = ("priority", "severity", "urgency")
    return {**_OUTCOME_NAMES, "severity": severity} if is_service_desk else _OUTCOME_NAMES


def _take_events(unused: dict[str, str]) -> dict[str, str] | None:
    order = unused.pop("sysmodcount", None)
    if not order or "number" not in unused:
        return None
    return {"group_by": unused["number"], "order_by": order}


def _take_roles(unused: dict[str, str], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    columns = {}
    for role, candidates in names.items():
        name = next((candidate for candidate in candidates if candidate in unused), None)
        if name is not None:
            columns[role] = unused.pop(name)
    return columns


def _take_columns(unused: dict[str, str], names: Iterable[str]) -> list[str]:
    return [unused.pop(name) for name in names if name in unused]

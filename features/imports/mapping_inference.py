"""A mapping from the headers alone: our own names, and the usual exports of two products."""

from collections.abc import Iterable, Mapping, Sequence

from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.text.tokens import plain_name

# Headers are compared by their letters and digits; the first name that a file has wins.
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
    """Tell whether a column names who reported: known at opening in every export.

    >>> is_caller("Caller ID"), is_caller("closed_by")
    (True, False)
    """
    return plain_name(column) in _CALLER_NAMES


def recognise(columns: Sequence[str]) -> HistoryMapping:
    """Return the mapping of an export by its headers; raises `BadMapping` when none is known.

    A column never plays two roles; impact and urgency are labels, never attributes.

    >>> mapping = recognise(["Number", "Short description", "Assignment group", "Priority"])
    >>> mapping.report.title.column, mapping.outcome.severity.column
    ('Short description', 'Priority')
    """
    free: dict[str, str] = {}
    for column in columns:
        free.setdefault(plain_name(column), column)
    is_tracker = bool(_TRACKER_MARKS & free.keys())
    is_service_desk = len(_SERVICE_DESK_MARKS & free.keys()) > 1
    events = _take_events(free) if is_service_desk else None
    # A tracker's resolution is one word of a list, not the text of what was done.
    fields = _take_all(free, (*_FIELD_NAMES, *(("resolution",) if is_tracker else ())))
    report: dict[str, object] = dict(_take_each(free, _REPORT_NAMES))
    outcome: dict[str, object] = dict(_take_each(free, _outcome_names(is_service_desk)))
    if events is None and not _MIN_USEFUL & report.keys():
        listed = ", ".join(columns[:10]) + (", ..." if len(columns) > 10 else "")
        raise BadMapping(
            f"the columns ({listed}) are none that are known; say what they mean with --mapping"
        )
    report["attributes"] = _take_all(free, _ATTRIBUTE_NAMES)
    return HistoryMapping.model_validate(
        {"report": report, "outcome": outcome | {"fields": fields}, "events": events}
    )


def _outcome_names(is_service_desk: bool) -> Mapping[str, tuple[str, ...]]:
    # A service desk's severity column is mostly left at its default; its priority is used.
    severity = ("priority", "severity", "urgency")
    return {**_OUTCOME_NAMES, "severity": severity} if is_service_desk else _OUTCOME_NAMES


def _take_events(free: dict[str, str]) -> dict[str, str] | None:
    order = free.pop("sysmodcount", None)
    return {"group_by": free["number"], "order_by": order} if order and "number" in free else None


def _take_each(free: dict[str, str], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    taken = {}
    for role, candidates in names.items():
        found = next((name for name in candidates if name in free), None)
        if found is not None:
            taken[role] = free.pop(found)
    return taken


def _take_all(free: dict[str, str], names: Iterable[str]) -> list[str]:
    return [free.pop(name) for name in names if name in free]

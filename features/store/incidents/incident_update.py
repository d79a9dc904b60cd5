"""Merges what a source or a person says about an incident into what is stored about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.domain.tracking import Author, TrackedIncident, Tracking

ALL_ATTRIBUTES, ALL_FIELDS = "attributes", "fields"
"""The names by which an update replaces all attributes, or the labels of all further fields."""

IMPORT = "import"
"""The actor of changes that come from an export."""

_REPORT = tuple(field.name for field in fields(IncidentReport) if field.name != "id")
_OUTCOME = tuple(field.name for field in fields(Outcome))
_MAPPINGS = (ALL_ATTRIBUTES, ALL_FIELDS)
_ENDS = ("status", "resolution", "resolved_at")
_RANKS = {Author.PRECEDENT: 0, Author.SOURCE: 1, Author.PERSON: 2}


@dataclass(frozen=True, slots=True)
class IncidentUpdate:
    """What was said about an incident at a time.

    `given` names the fields that the update states: `title`, `category`, and for one attribute or
    one further label `attributes.site` or `fields.subcategory`. All other values of `report` and
    `outcome` are ignored. A given field without a value is erased; `attributes` and `fields` stand
    for all entries. `updated_at` is the source's time of the update, None if it states none.
    `tracking` holds new values of fields of `Tracking`, such as `change_id`.
    """

    report: IncidentReport
    outcome: Outcome
    given: frozenset[str]
    author: Author = Author.SOURCE
    actor: str = ""
    updated_at: datetime | None = None
    tracking: Mapping[str, Any] = field(default_factory=dict)


def given_in(incident: ResolvedIncident) -> frozenset[str]:
    """Return the names of the fields that have a value in an incident.

    >>> sorted(given_in(ResolvedIncident(IncidentReport("1", title="VPN"), Outcome("Network"))))
    ['category', 'title']
    """
    return frozenset(name for name, value in _flatten(incident).items() if value or value is False)


def is_outdated(stored: TrackedIncident, update: IncidentUpdate) -> bool:
    """Return whether the source's time of an update is before that of the stored incident."""
    known = stored.tracking.updated_at
    return known is not None and update.updated_at is not None and update.updated_at < known


def merge_update(
    stored: TrackedIncident | None, update: IncidentUpdate, now: datetime
) -> TrackedIncident:
    """Return the incident after an update; a field that the update does not state keeps its value.

    An outdated update changes nothing. A field keeps its value if a higher author wrote it: a
    person is above the source, and the source is above Precedent. Where a stated status is `open`
    or `stale`, a resolution or its time changes it to `resolved`, and a new status `open` erases
    the time of resolution, unless the update states both. A label that a person gives to an open
    incident, such as its severity, leaves it open. `now` takes the place of an absent
    `updated_at`. The report as the incident opened is kept at the first change.

    >>> from datetime import UTC
    >>> now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> opened = IncidentUpdate(IncidentReport("1", title="VPN"), Outcome(), frozenset({"title"}))
    >>> solved = IncidentUpdate(IncidentReport("1"), Outcome("Network"), frozenset({"category"}))
    >>> merged = merge_update(merge_update(None, opened, now), solved, now)
    >>> merged.incident.report.title, merged.incident.outcome.category
    ('VPN', 'Network')
    """
    empty = TrackedIncident(ResolvedIncident(IncidentReport(update.report.id), Outcome()))
    known = stored or empty
    if is_outdated(known, update):
        return known
    values = _flatten(known.incident)
    given = {
        name: value
        for name, value in _given_values(values, update).items()
        if _RANKS[update.author] >= _RANKS[_author_of(name, values, known.tracking)]
    }
    authors = _authors(known.tracking.authors, given, update.author)
    if stored is not None and _leaves_open(stored, update):
        given, authors = given | {"status": Status.OPEN}, authors | {"status": Author.PRECEDENT}
    incident = _unflatten(update.report.id, values | given)
    tracking = replace(
        known.tracking,
        updated_at=_time_of(known.tracking, update, now),
        authors=authors,
        opening=None if stored is None else _opening(stored, incident.report),
        **update.tracking,
    )
    return replace(known, incident=incident, tracking=tracking)


def merge_import(stored: TrackedIncident, imported: ResolvedIncident) -> TrackedIncident:
    """Return a live incident after an export that has it was imported.

    The export's values count as the source's. But nobody knows when it was made, so it neither
    erases values nor reopens a resolved incident, and later updates are not compared with it.
    """
    is_older = imported.outcome.is_open and not stored.incident.outcome.is_open
    outcome = stored.incident.outcome if is_older else imported.outcome
    known = ResolvedIncident(imported.report, outcome)
    update = IncidentUpdate(imported.report, outcome, given_in(known), actor=IMPORT)
    merged = merge_update(stored, update, datetime.min.replace(tzinfo=UTC))
    tracking = replace(merged.tracking, updated_at=stored.tracking.updated_at)
    return replace(merged, tracking=tracking)


def _flatten(incident: ResolvedIncident) -> dict[str, Any]:
    """Return the values of an incident by field, each attribute and further label on its own."""
    report, outcome = incident.report, incident.outcome
    values = {name: getattr(report, name) for name in _REPORT if name not in _MAPPINGS}
    values |= {name: getattr(outcome, name) for name in _OUTCOME if name not in _MAPPINGS}
    values |= {f"{ALL_ATTRIBUTES}.{name}": value for name, value in report.attributes.items()}
    return values | {f"{ALL_FIELDS}.{name}": label for name, label in outcome.fields.items()}


def _unflatten(id: str, values: Mapping[str, Any]) -> ResolvedIncident:  # noqa: A002
    parts = {name: value for name, value in values.items() if "." not in name}
    report = {name: parts[name] for name in _REPORT if name not in _MAPPINGS}
    outcome = {name: parts[name] for name in _OUTCOME if name not in _MAPPINGS}
    return ResolvedIncident(
        IncidentReport(id, **report, attributes=_entries(ALL_ATTRIBUTES, values)),
        Outcome(**outcome, fields=_entries(ALL_FIELDS, values)),
    )


def _entries(mapping: str, values: Mapping[str, Any]) -> dict[str, str]:
    prefix = f"{mapping}."
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix) and value is not None
    }


def _given_values(stored: Mapping[str, Any], update: IncidentUpdate) -> dict[str, Any]:
    said = _flatten(ResolvedIncident(update.report, update.outcome))
    names = set(update.given - set(_MAPPINGS))
    for mapping in update.given & set(_MAPPINGS):
        names |= {name for name in (*stored, *said) if name.startswith(f"{mapping}.")}
    given = {name: said.get(name) for name in names}
    if given.get("status") is Status.OPEN:
        return {"resolved_at": None} | given
    is_resolved = given.get("resolved_at") is not None or given.get("resolution") is not None
    if is_resolved and "status" not in given and stored["status"] is not None:
        return given | {"status": Status.RESOLVED}
    return given


def _leaves_open(stored: TrackedIncident, update: IncidentUpdate) -> bool:
    """Return whether a person labels an open incident whose status nobody stated.

    Its labels would make it count as resolved, although the person did not say that it ended.
    """
    outcome = stored.incident.outcome
    gives_label = bool(update.given) and update.given.isdisjoint(_ENDS)
    is_open = outcome.is_open and outcome.status is None
    return update.author is Author.PERSON and is_open and gives_label


def _author_of(name: str, values: Mapping[str, Any], tracking: Tracking) -> Author:
    # The source is the author of every value without a listed author.
    unlisted = Author.SOURCE if values.get(name) else Author.PRECEDENT
    return tracking.authors.get(name, unlisted)


def _authors(
    known: Mapping[str, Author], written: Iterable[str], author: Author
) -> dict[str, Author]:
    kept = {name: known_author for name, known_author in known.items() if name not in set(written)}
    return kept if author is Author.SOURCE else kept | dict.fromkeys(written, author)


def _time_of(tracking: Tracking, update: IncidentUpdate, now: datetime) -> datetime | None:
    if update.updated_at is not None or update.author is not Author.SOURCE:
        return update.updated_at or tracking.updated_at
    return now if tracking.updated_at is None else max(now, tracking.updated_at)


def _opening(stored: TrackedIncident, report: IncidentReport) -> IncidentReport | None:
    """Return the report as the incident opened, None while it is unchanged.

    The time of opening is a fact about the opening itself, so a correction of it counts.
    """
    opening = replace(stored.opening_report, opened_at=report.opened_at)
    return None if opening == report and stored.tracking.opening is None else opening

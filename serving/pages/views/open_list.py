"""Ranks the open incidents for the inbox: the most severe first, a storm as one line."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.domain.alerts.alert_severity import severity_label, severity_rank
from features.domain.modes import Mode
from features.domain.report import Status
from features.store.incidents.incident_search import InboxQuery, OpenIncident
from serving.container import Container

MOST_RANKED = 2_000
"""At most this many open incidents are ranked; if there are more, the newest."""


@dataclass(frozen=True, slots=True)
class OpenList:
    """A page of the ids of open incidents, and how many lines all pages have.

    `is_cut` says whether more than `MOST_RANKED` incidents are open, so that some are missing.
    """

    ids: tuple[str, ...]
    lines: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Ranked:
    """An open incident with the rank of its severity."""

    incident: OpenIncident
    rank: float

    @property
    def is_stale(self) -> bool:
        """Whether nothing was heard of its alerts for too long."""
        return self.incident.status == Status.STALE


def list_open(services: Container, query: InboxQuery, page: int) -> OpenList:
    """Return a page of open incidents, the most severe first, then the newest.

    Stale incidents come last. A consequence is left out if its head is in the list and at least as
    severe. Raises `StoreUnavailable`.
    """
    found = services.store.inbox.open_incidents(query, MOST_RANKED + 1)
    mode = services.modes.modes.of("severity")
    ranked = [
        _Ranked(incident, _rank(incident, is_answered=mode is not Mode.OFF))
        for incident in found[:MOST_RANKED]
    ]
    by_id = {entry.incident.id: entry for entry in ranked}
    lines = [entry for entry in ranked if not _is_below_head(entry, by_id)]
    lines.sort(key=_place)
    start = query.limit * (page - 1)
    shown = lines[start : start + query.limit]
    ids = tuple(entry.incident.id for entry in shown)
    return OpenList(ids, len(lines), len(found) > MOST_RANKED)


def _rank(incident: OpenIncident, *, is_answered: bool) -> float:
    stated = incident.severity or incident.peak_severity or severity_label(incident.attributes)
    return severity_rank(stated or (incident.predicted_severity if is_answered else None))


def _is_below_head(entry: _Ranked, by_id: Mapping[str, _Ranked]) -> bool:
    head = by_id.get(entry.incident.consequence_of or "")
    if head is None or entry.rank > head.rank:
        return False
    return entry.is_stale or not head.is_stale


def _place(entry: _Ranked) -> tuple[bool, float, float, str]:
    opened_at = entry.incident.opened_at
    age = 0.0 if opened_at is None else -opened_at.timestamp()
    return entry.is_stale, -entry.rank, age, entry.incident.id

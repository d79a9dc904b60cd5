"""Groups the open incidents of one trouble under the incident that came first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from features.domain.alerts.alert_severity import severity_label, severity_rank
from features.domain.report import Status
from features.domain.tracking import Author, TrackedIncident
from features.store.incidents.incident_revisions import Revision
from features.store.store import Store
from serving.runtime.errors import UnknownIncident
from serving.services.alerts.alert_report import service_of

_GROUP = re.compile(r"(alert-[0-9a-f]{16}-)\d")
_JOINED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Storm:
    """The first incident of a trouble, and its open consequences in order of opening."""

    head: TrackedIncident
    members: tuple[TrackedIncident, ...]

    @property
    def incident_count(self) -> int:
        """The number of incidents, with the head."""
        return 1 + len(self.members)

    @property
    def alert_count(self) -> int:
        """The number of alerts of all incidents; an incident without alerts counts as one."""
        return sum(max(1, len(tracked.alerts)) for tracked in (self.head, *self.members))

    @property
    def since(self) -> datetime | None:
        """When the first of the incidents opened."""
        openings = (tracked.incident.report.opened_at for tracked in (self.head, *self.members))
        return min((opening for opening in openings if opening), default=None)

    @property
    def first(self) -> str:
        """The name of the head's first alert and its service, or else the head's title."""
        report = self.head.incident.report
        lead = self.head.alerts[0] if self.head.alerts else None
        name = report.title if lead is None else lead.labels.get("alertname", report.title)
        service = report.service if lead is None else service_of(lead)
        return name if service is None else f"{name} on {service}"

    @property
    def rising(self) -> tuple[TrackedIncident, ...]:
        """The members that are more severe than the head, and so stand on their own."""
        rank = rank_of(self.head)
        return tuple(member for member in self.members if rank_of(member) > rank)

    @property
    def ended(self) -> tuple[TrackedIncident, ...]:
        """The members whose alerts all ended, which may be closed together with the head."""
        return tuple(
            member
            for member in self.members
            if member.alerts and not any(alert.is_firing for alert in member.alerts)
        )


def rank_of(tracked: TrackedIncident) -> float:
    """Return the rank of an incident's severity: a person's, or else the peak of its alerts."""
    severity = tracked.incident.outcome.severity or tracked.tracking.peak_severity
    return severity_rank(severity or severity_label(tracked.incident.report.attributes))


class StormService:
    """Links open incidents to the head of their storm, by our answers and by what people say.

    What a person says about two groups of alerts also holds for their later incidents. Methods
    raise `StoreUnavailable`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def storms_of(self, head_ids: Sequence[str]) -> Mapping[str, Storm]:
        """Return the storm of each of these incidents that has open consequences, by its id."""
        heads = self._store.tracked.find(head_ids)
        consequences = self._store.tracked.consequences(list(heads))
        storms: dict[str, Storm] = {}
        for id_, head in heads.items():
            members = [
                member for member in consequences.get(id_, ()) if member.incident.outcome.is_open
            ]
            if members and head.incident.outcome.is_open:
                storms[id_] = Storm(head, tuple(sorted(members, key=_opening)))
        return storms

    def link(self, incident_id: str, open_match: str | None) -> None:
        """Link an incident that was just answered to the head of its storm, if it has one.

        `open_match` is the open incident that the answer names.
        """
        tracked = self._store.tracked.get(incident_id)
        if tracked is None or tracked.tracking.consequence_of is not None:
            return
        if not tracked.incident.outcome.is_open:
            return
        head = self._learned_head(tracked) or self._matched_head(tracked, open_match)
        if head is not None:
            self._set_head(incident_id, head, Author.PRECEDENT, "")

    def join(self, incident_id: str, head_id: str, given_by: str) -> None:
        """Make an incident a consequence of another; raises `UnknownIncident`."""
        head = self._root(head_id)
        if head is None or self._store.tracked.get(incident_id) is None:
            raise UnknownIncident(f"no incident {head_id!r} or {incident_id!r} is stored")
        root_id = head.incident.report.id
        if root_id == incident_id:
            raise UnknownIncident(f"{head_id!r} is itself a consequence of {incident_id!r}")
        self._record(incident_id, root_id, given_by, is_joined=True)
        for member in self._store.tracked.consequences([incident_id]).get(incident_id, ()):
            self._set_head(member.incident.report.id, root_id, Author.PERSON, given_by)
        self._set_head(incident_id, root_id, Author.PERSON, given_by)

    def split(self, incident_id: str, given_by: str) -> None:
        """Make a consequence an incident of its own; raises `UnknownIncident`."""
        tracked = self._store.tracked.get(incident_id)
        if tracked is None:
            raise UnknownIncident(f"no incident {incident_id!r} is stored")
        if tracked.tracking.consequence_of is not None:
            self._record(incident_id, tracked.tracking.consequence_of, given_by, is_joined=False)
            self._set_head(incident_id, None, Author.PERSON, given_by)

    def _record(self, incident_id: str, head_id: str, given_by: str, *, is_joined: bool) -> None:
        self._store.storm_links.record(
            _link_key(incident_id),
            _link_key(head_id),
            is_joined=is_joined,
            given_by=given_by,
            given_at=datetime.now(UTC),
        )

    def _learned_head(self, tracked: TrackedIncident) -> str | None:
        """Return the open incident of a group to which a person joined this incident's group."""
        report = tracked.incident.report
        for key, is_joined in self._store.storm_links.of(_link_key(report.id)).items():
            if is_joined:
                for candidate in reversed(self._store.tracked.of_group(key)):
                    opened_at = candidate.incident.report.opened_at
                    is_recent = (
                        opened_at is not None
                        and report.opened_at is not None
                        and abs(report.opened_at - opened_at) <= _JOINED_WITHIN
                    )
                    if is_recent and _can_head(candidate, report.id):
                        return candidate.incident.report.id
        return None

    def _matched_head(self, tracked: TrackedIncident, open_match: str | None) -> str | None:
        head = None if open_match is None else self._root(open_match)
        if head is None or not _can_head(head, tracked.incident.report.id):
            return None
        head_id = head.incident.report.id
        key = _link_key(tracked.incident.report.id)
        is_split = self._store.storm_links.of(key, [_link_key(head_id)]).get(_link_key(head_id))
        return None if is_split is False else head_id

    def _root(self, incident_id: str) -> TrackedIncident | None:
        """Return the head of the storm that an incident belongs to, or else the incident."""
        tracked = self._store.tracked.get(incident_id)
        if tracked is None or tracked.tracking.consequence_of is None:
            return tracked
        head = self._store.tracked.get(tracked.tracking.consequence_of)
        return head if head is not None and head.incident.outcome.is_open else tracked

    def _set_head(self, incident_id: str, head_id: str | None, author: Author, actor: str) -> None:
        now = datetime.now(UTC)

        def decide(stored: tuple[TrackedIncident, ...]) -> Revision | None:
            changed = tuple(
                replace(tracked, tracking=replace(tracked.tracking, consequence_of=head_id))
                for tracked in stored
            )
            return Revision(changed, author, now, actor)

        self._store.tracked.revise(incident_id, decide)


def _link_key(incident_id: str) -> str:
    """Return what identifies an incident's group of alerts, or else the incident.

    >>> _link_key("alert-0123456789abcdef-20260302T140400000"), _link_key("INC1")
    ('alert-0123456789abcdef-', 'INC1')
    """
    group = _GROUP.match(incident_id)
    return incident_id if group is None else group[1]


def _can_head(head: TrackedIncident, member_id: str) -> bool:
    return (
        head.incident.outcome.effective_status is Status.OPEN
        and head.incident.report.id != member_id
        and head.tracking.consequence_of is None
    )


def _opening(tracked: TrackedIncident) -> tuple[bool, datetime, str]:
    opened_at = tracked.incident.report.opened_at
    earliest = datetime.min.replace(tzinfo=UTC)
    return opened_at is None, opened_at or earliest, tracked.incident.report.id

"""The repository of incidents with their tracking, alerts and versions, written as one."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from heapq import nlargest
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, Text, bindparam, cast, func, or_, select

from features.domain.alerts.alert import Alert
from features.domain.labels import LabelRecord
from features.domain.report import IncidentReport, ResolvedIncident, Status
from features.domain.tracking import Author, IncidentVersion, TrackedIncident, Tracking
from features.store.counters import lock_tenant, move_revision, select_revision
from features.store.incidents.incident_revisions import (
    Decide,
    RevisedIncident,
    RevisedIncidents,
    Revision,
    write_revised,
)
from features.store.incidents.incident_update import IMPORT, merge_import
from features.store.incidents.incidents import incident_from, select_incidents, write_incidents
from features.store.learning.labels import insert_labels
from features.store.operations.triage_queue import QueueEntry, enqueue
from features.store.repository import Repository
from features.store.tables import (
    AlertRow,
    IncidentRow,
    IncidentVersionRow,
    PredictionRow,
    RevisionRow,
    TrackingRow,
)

_MAX_CANDIDATES = 10
_MERGED_AT_ONCE = 100
_MOST_QUEUED = 50
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LAST_CHARACTER = "\U0010ffff"
_TRACKING = tuple(field.name for field in fields(Tracking))
_ALERT = tuple(field.name for field in fields(Alert))
# Built once: most of a short query's time is spent on building it.
_TRACKING_OF = select(
    *(TrackingRow.__table__.c[name] for name in ("incident_id", *_TRACKING))
).where(
    TrackingRow.tenant == bindparam("tenant"),
    TrackingRow.incident_id.in_(bindparam("ids", expanding=True)),
)
_ALERTS_OF = (
    select(*(AlertRow.__table__.c[name] for name in ("incident_id", *_ALERT)))
    .where(
        AlertRow.tenant == bindparam("tenant"),
        AlertRow.incident_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(AlertRow.incident_id, AlertRow.number)
)
_REPORT: TypeAdapter[IncidentReport] = TypeAdapter(IncidentReport)


class TrackedIncidentRepository(Repository):
    """The incidents of one tenant with all that is kept beside them.

    >>> from datetime import UTC
    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> from features.store.store import open_store
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> new = TrackedIncident(ResolvedIncident(IncidentReport("INC1", title="VPN"), Outcome()))
    >>> with open_store("sqlite://") as store:
    ...     _ = store.tracked.revise("INC1", lambda _: Revision((new,), Author.SOURCE, noon))
    ...     store.tracked.get("INC1") == new
    True
    """

    def get(self, id: str) -> TrackedIncident | None:  # noqa: A002
        """Return an incident with all that is kept beside it, None if it is not stored."""
        return self.find([id]).get(id)

    def find(self, ids: Sequence[str]) -> dict[str, TrackedIncident]:
        """Return the incidents with these ids, by id; unknown ids are left out."""
        with self._database.read() as connection:
            found = self._select(connection, IncidentRow.id.in_(ids))
        return {tracked.incident.report.id: tracked for tracked in found}

    def of_group(self, prefix: str) -> tuple[TrackedIncident, ...]:
        """Return the last ten incidents whose ids begin with a prefix, in order of their ids."""
        with self._database.read() as connection:
            return self._select(connection, _has_prefix(prefix), _MAX_CANDIDATES)

    def consequences(self, ids: Sequence[str]) -> dict[str, tuple[TrackedIncident, ...]]:
        """Return the consequences of each of these incidents, by its id."""
        members = select(TrackingRow.incident_id).where(
            TrackingRow.tenant == self._tenant, TrackingRow.consequence_of.in_(ids)
        )
        with self._database.read() as connection:
            found = self._select(connection, IncidentRow.id.in_(members))
        of_head: dict[str, list[TrackedIncident]] = {}
        for tracked in found:
            of_head.setdefault(tracked.tracking.consequence_of or "", []).append(tracked)
        return {head: tuple(incidents) for head, incidents in of_head.items()}

    def unheard_since(self, moment: datetime) -> tuple[str, ...]:
        """Return the ids of the open incidents whose alerts were all last heard before a moment."""
        query = (
            select(AlertRow.incident_id)
            .join(
                IncidentRow,
                (IncidentRow.tenant == AlertRow.tenant) & (IncidentRow.id == AlertRow.incident_id),
            )
            .where(
                AlertRow.tenant == self._tenant,
                IncidentRow.resolved.is_(False),
                IncidentRow.status.is_distinct_from(Status.STALE),
            )
            .group_by(AlertRow.incident_id)
            .having(func.max(AlertRow.last_seen_at) < moment)
        )
        with self._database.read() as connection:
            return tuple(connection.scalars(query))

    def versions(self, id: str) -> tuple[IncidentVersion, ...]:  # noqa: A002
        """Return the changes of an incident, oldest first."""
        query = (
            select(IncidentVersionRow)
            .where(IncidentVersionRow.tenant == self._tenant, IncidentVersionRow.incident_id == id)
            .order_by(IncidentVersionRow.number)
        )
        columns = query.with_only_columns(*(column for column in IncidentVersionRow.__table__.c))
        with self._database.read() as connection:
            return tuple(_version_from(row) for row in connection.execute(columns))

    def revise(self, id: str, decide: Decide) -> Revision | None:  # noqa: A002
        """Decide about the incident with this id, and write what is decided.

        `decide` gets the incident, in a tuple that is empty if it is not stored, and returns what
        to write, or None. Other writers wait until the end, so if two processes receive the same
        message, the second one sees what the first has written. Returns the decision.
        """
        return self._revise(IncidentRow.id == id, decide)

    def import_history(
        self, incidents: Sequence[ResolvedIncident], labels: Sequence[LabelRecord] = ()
    ) -> int:
        """Add or replace the incidents of an export by id; return the new revision.

        Incidents that were sent to the service are not replaced: see `merge_import`. An incident
        that is already stored unchanged is not written. The newest open incidents without an
        answer are put into the queue for triage. All incidents, and the `labels` that follow
        from their outcomes, are stored in one transaction.
        """
        now = datetime.now(UTC)
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            live = _select_live(connection, self._tenant)
            new = [incident for incident in incidents if incident.report.id not in live]
            if new:
                number = move_revision(connection, RevisionRow, self._tenant)
                write_incidents(connection, self._tenant, new, number)
                self._enqueue_newest(connection, new, now)
            of_live = [incident for incident in incidents if incident.report.id in live]
            for start in range(0, len(of_live), _MERGED_AT_ONCE):
                some = of_live[start : start + _MERGED_AT_ONCE]
                ids = [incident.report.id for incident in some]
                stored = self._select(connection, IncidentRow.id.in_(ids))
                known = {tracked.incident.report.id: tracked for tracked in stored}
                merged = [
                    (known[incident.report.id], merge_import(known[incident.report.id], incident))
                    for incident in some
                ]
                write_revised(
                    connection,
                    self._tenant,
                    [
                        RevisedIncident(old, new, Revision((new,), Author.SOURCE, now, IMPORT))
                        for old, new in merged
                    ],
                )
            if labels:
                insert_labels(connection, self._tenant, labels)
            return select_revision(connection, RevisionRow, self._tenant)

    def opening_reports(self) -> dict[str, IncidentReport]:
        """Return the report as it was at opening of each incident whose report changed, by id."""
        query = select(TrackingRow.incident_id, TrackingRow.opening).where(
            TrackingRow.tenant == self._tenant, cast(TrackingRow.opening, Text) != "null"
        )
        with self._database.read() as connection:
            return {
                row.incident_id: _REPORT.validate_python(row.opening)
                for row in connection.execute(query)
            }

    def revise_groups(self, decisions: Sequence[tuple[str, Decide]]) -> tuple[Revision | None, ...]:
        """Take several decisions in one transaction, each about the incidents of one id prefix.

        A decision gets the last ten of these incidents in order of their ids, as the decisions
        before it left them; see `revise`. Returns the decisions in order.
        """
        prefixes = dict.fromkeys(prefix for prefix, _ in decisions)
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            changes = RevisedIncidents(self._select_groups(connection, list(prefixes)))
            results = tuple(changes.decide(prefix, decide) for prefix, decide in decisions)
            write_revised(connection, self._tenant, changes.written())
            for revision in results:
                if revision is not None and revision.labels:
                    insert_labels(connection, self._tenant, revision.labels)
        return results

    def _revise(self, condition: ColumnElement[bool], decide: Decide) -> Revision | None:
        with self._database.write() as connection:
            # Only a lock: the revision is increased only if an incident is written.
            lock_tenant(connection, self._tenant)
            changes = RevisedIncidents(
                {"": self._select(connection, condition, limit=_MAX_CANDIDATES)}
            )
            revision = changes.decide("", decide)
            write_revised(connection, self._tenant, changes.written())
            if revision is not None and revision.labels:
                insert_labels(connection, self._tenant, revision.labels)
        return revision

    def _enqueue_newest(
        self, connection: Connection, imported: Sequence[ResolvedIncident], now: datetime
    ) -> None:
        # In a history without outcomes every incident counts as open, so only a page is queued.
        is_open = (incident.report for incident in imported if incident.outcome.is_open)
        newest = nlargest(_MOST_QUEUED, is_open, key=lambda one: one.opened_at or _EARLIEST)
        ids = {report.id for report in newest}
        answered = select(PredictionRow.incident_id).where(
            PredictionRow.tenant == self._tenant, PredictionRow.incident_id.in_(ids)
        )
        new = sorted(ids.difference(connection.scalars(answered)))
        enqueue(connection, self._tenant, [QueueEntry(id_, IMPORT, now) for id_ in new])

    def _select_groups(
        self, connection: Connection, prefixes: Sequence[str]
    ) -> dict[str, tuple[TrackedIncident, ...]]:
        """Return the last ten incidents of each group, by its prefix, with four queries in all."""
        query = select(IncidentRow.id).where(
            IncidentRow.tenant == self._tenant, or_(*map(_has_prefix, prefixes))
        )
        ids: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
        for id_ in connection.scalars(query.order_by(IncidentRow.id)):
            for prefix in prefixes:
                if id_.startswith(prefix):
                    ids[prefix].append(id_)
        chosen = {prefix: of_group[-_MAX_CANDIDATES:] for prefix, of_group in ids.items()}
        every = [id_ for of_group in chosen.values() for id_ in of_group]
        found = self._select(connection, IncidentRow.id.in_(every))
        by_id = {tracked.incident.report.id: tracked for tracked in found}
        return {
            prefix: tuple(by_id[id_] for id_ in of_group) for prefix, of_group in chosen.items()
        }

    def _select(
        self, connection: Connection, condition: ColumnElement[bool], limit: int | None = None
    ) -> tuple[TrackedIncident, ...]:
        query = select_incidents(self._tenant).where(condition).order_by(IncidentRow.id.desc())
        incidents = [incident_from(row) for row in connection.execute(query.limit(limit))]
        ids = [incident.report.id for incident in incidents]
        tracking = select_tracking(connection, self._tenant, ids)
        alerts = _select_alerts(connection, self._tenant, ids)
        return tuple(
            TrackedIncident(
                incident,
                tracking.get(incident.report.id, Tracking()),
                tuple(alerts.get(incident.report.id, ())),
            )
            for incident in reversed(incidents)
        )


def select_tracking(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, Tracking]:
    """Return the tracking of each of these incidents that has one, by id."""
    rows = connection.execute(_TRACKING_OF, {"tenant": tenant, "ids": list(ids)})
    return {row.incident_id: _tracking_from(row) for row in rows}


def _select_live(connection: Connection, tenant: str) -> frozenset[str]:
    """Return the ids of the incidents that were sent to the service."""
    query = select(TrackingRow.incident_id).where(
        TrackingRow.tenant == tenant,
        IncidentRow.tenant == tenant,
        IncidentRow.id == TrackingRow.incident_id,
    )
    return frozenset(connection.scalars(query))


def _select_alerts(
    connection: Connection, tenant: str, ids: Sequence[str]
) -> dict[str, list[Alert]]:
    alerts: dict[str, list[Alert]] = {}
    for row in connection.execute(_ALERTS_OF, {"tenant": tenant, "ids": list(ids)}):
        alerts.setdefault(row.incident_id, []).append(Alert(*row[1:]))
    return alerts


def _has_prefix(prefix: str) -> ColumnElement[bool]:
    return (IncidentRow.id >= prefix) & (IncidentRow.id <= prefix + _LAST_CHARACTER)


def _tracking_from(row: Row[Any]) -> Tracking:
    tracking = Tracking(*row[1:])
    opening = None if tracking.opening is None else _REPORT.validate_python(tracking.opening)
    authors = {name: Author(author) for name, author in tracking.authors.items()}
    return replace(tracking, opening=opening, authors=authors)


def _version_from(row: Row[Any]) -> IncidentVersion:
    changes = {name: (before, after) for name, (before, after) in row.changes.items()}
    return IncidentVersion(
        row.incident_id, row.number, row.written_at, Author(row.author), row.actor, changes
    )

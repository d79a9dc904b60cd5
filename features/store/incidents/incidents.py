"""Incidents: the record as rows, each with the revision that last changed it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, cast, delete, func, or_, select

from features.domain.labels import LabelRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import StoreUnavailable
from features.store.counters import lock_tenant, move_revision, select_revision
from features.store.database import insert_into
from features.store.incidents.erasure import forget_incident
from features.store.learning.labels import insert_labels
from features.store.repository import Repository
from features.store.tables import DeletionRow, IncidentRow, RevisionRow

_ROWS_AT_ONCE = 1_000
_EPISODES_SEEN = 50
_REPORT = tuple(field.name for field in fields(IncidentReport))
_OUTCOME = tuple(field.name for field in fields(Outcome))
_LAST_CHARACTER = "\U0010ffff"
_COLUMNS = tuple(IncidentRow.__table__.c[name] for name in _REPORT + _OUTCOME)


@dataclass(frozen=True, slots=True)
class IncidentChanges:
    """What differs between an earlier revision and `revision`: one state, each id at most once."""

    revision: int
    upserted: tuple[ResolvedIncident, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionResult:
    """The incident that was decided on, if any, and whether it had to be written."""

    incident: ResolvedIncident | None
    is_written: bool


class IncidentRepository(Repository):
    """The incidents of one tenant.

    Each write moves the tenant's revision on by one. A process that holds an index compares
    `revision()` with its own and catches up by `changes_since`.
    """

    def upsert(
        self, incidents: Sequence[ResolvedIncident], labels: Sequence[LabelRecord] = ()
    ) -> int:
        """Add or replace the incidents by id, all or none, and return the new revision.

        An unresolved incident has an empty outcome. One that is stored just so already is left as
        it is, and so is no change to others. The `labels` that their outcomes bring are kept with
        them, or neither is.
        """
        if not incidents:
            return self.revision()
        with self._database.write() as connection:
            revision = move_revision(connection, RevisionRow, self._tenant)
            self._write(connection, incidents, revision)
            if labels:
                insert_labels(connection, self._tenant, labels)
        return revision

    def revise(
        self, prefix: str, decide: Callable[[tuple[ResolvedIncident, ...]], ResolvedIncident | None]
    ) -> RevisionResult:
        """Decide which incident is meant among those whose ids begin so, and write it if it is new.

        `decide` gets the latest of them, oldest first, and answers with one of them, with what is
        to be written, or with None. Nobody else writes meanwhile, so that of two processes that
        are told the same only one acts.
        """
        begins = (IncidentRow.id >= prefix, IncidentRow.id <= prefix + _LAST_CHARACTER)
        latest = select_incidents(self._tenant).where(*begins).order_by(IncidentRow.id.desc())
        with self._database.write() as connection:
            # The revision is moved on only by what is written.
            lock_tenant(connection, self._tenant)
            rows = connection.execute(latest.limit(_EPISODES_SEEN))
            stored = [incident_from(row) for row in rows]
            decided = decide(tuple(reversed(stored)))
            is_new = decided is not None and decided not in stored
            if decided is not None and is_new:
                revision = move_revision(connection, RevisionRow, self._tenant)
                self._write(connection, [decided], revision)
        return RevisionResult(decided, is_new)

    def delete(self, id: str) -> bool:  # noqa: A002
        """Remove the incident for good; False when nothing is known of it.

        With it goes what was answered and said about it, and the entries of other answers that
        name it. Only its id is remembered; another incident may go on to be its duplicate.
        """
        with self._database.write() as connection:
            was_stored = self._delete(connection, id)
            was_answered = forget_incident(connection, self._tenant, id)
        # What is deleted is deleted, whatever keeps the log from being emptied.
        with suppress(StoreUnavailable):
            self._database.empty_log()
        return was_stored or was_answered

    def get(self, id: str) -> ResolvedIncident | None:  # noqa: A002
        """Return the incident, or None."""
        query = select_incidents(self._tenant).where(IncidentRow.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else incident_from(row)

    def find(self, ids: Sequence[str]) -> dict[str, ResolvedIncident]:
        """Return those of the incidents that exist, by id."""
        query = select_incidents(self._tenant).where(IncidentRow.id.in_(ids))
        return {incident.report.id: incident for incident in self._select(query)}

    def all(self) -> Iterator[ResolvedIncident]:
        """Yield every incident by time of opening, then id; those of unknown time come first.

        The iteration sees one state and holds a connection until it ends.
        """
        query = select_incidents(self._tenant).order_by(
            IncidentRow.opened_at.nulls_first(), IncidentRow.id
        )
        with self._database.read() as connection:
            options = {"yield_per": _ROWS_AT_ONCE}
            for row in connection.execute(query, execution_options=options):
                yield incident_from(row)

    def with_runbook(self, *, limit: int) -> tuple[ResolvedIncident, ...]:
        """Return the incidents whose outcome names a runbook, those written last first."""
        query = (
            select_incidents(self._tenant)
            .where(IncidentRow.runbook_id.is_not(None))
            .order_by(IncidentRow.revision.desc(), IncidentRow.id)
            .limit(limit)
        )
        return self._select(query)

    def count(self) -> int:
        """Return the number of incidents."""
        return self._scalar(select(func.count()).where(IncidentRow.tenant == self._tenant))

    def count_duplicates(self, id: str) -> int:  # noqa: A002
        """Return how many incidents are duplicates of one."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant,
            IncidentRow.duplicate_of == id,
            IncidentRow.id != id,
        )
        return self._scalar(query)

    def count_changes(self, revision: int) -> int:
        """Return how many incidents were written after the revision and are still there."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant, IncidentRow.revision > revision
        )
        return self._scalar(query)

    def revision(self) -> int:
        """Return the number of writes so far: 0 for a new store."""
        with self._database.read() as connection:
            return select_revision(connection, RevisionRow, self._tenant)

    def changes_since(self, revision: int) -> IncidentChanges:
        """Return what changed after the revision, oldest change first; since 0 that is all."""
        upserted = (
            select_incidents(self._tenant)
            .where(IncidentRow.revision > revision)
            .order_by(IncidentRow.revision, IncidentRow.id)
        )
        deleted = self._deletions_since(revision).order_by(DeletionRow.revision)
        with self._database.read() as connection:
            return IncidentChanges(
                select_revision(connection, RevisionRow, self._tenant),
                tuple(incident_from(row) for row in connection.execute(upserted)),
                tuple(connection.scalars(deleted)),
            )

    def deleted_since(self, revision: int) -> frozenset[str]:
        """Return the ids that were deleted after the revision and were not written again."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(self._deletions_since(revision)))

    def _deletions_since(self, revision: int) -> Select[str]:
        return select(DeletionRow.id).where(
            DeletionRow.tenant == self._tenant, DeletionRow.revision > revision
        )

    def _select(self, query: Select[Any]) -> tuple[ResolvedIncident, ...]:
        with self._database.read() as connection:
            return tuple(incident_from(row) for row in connection.execute(query))

    def _scalar(self, query: Select[int]) -> int:
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _write(
        self, connection: Connection, incidents: Sequence[ResolvedIncident], revision: int
    ) -> None:
        """Write the incidents; a row that would not change keeps the revision that it has."""
        key = {"tenant": self._tenant, "revision": revision}
        rows = [_row(incident) | key for incident in incidents]
        statement = insert_into(connection, IncidentRow)
        new = {name: statement.excluded[name] for name in rows[0]}
        old = IncidentRow.__table__.c
        differs = (
            # PostgreSQL cannot compare JSON, but its text.
            cast(old[name], Text).is_distinct_from(cast(new[name], Text))
            for name in _REPORT + _OUTCOME
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant", "id"], set_=new, where=or_(*differs)
            ),
            rows,
        )
        written = select(IncidentRow.id).where(
            IncidentRow.tenant == self._tenant, IncidentRow.revision == revision
        )
        connection.execute(
            delete(DeletionRow).where(
                DeletionRow.tenant == self._tenant, DeletionRow.id.in_(written)
            )
        )

    def _delete(self, connection: Connection, id: str) -> bool:  # noqa: A002
        """Remove the row and note its id; False when there is none."""
        revision = move_revision(connection, RevisionRow, self._tenant)
        gone = connection.execute(
            delete(IncidentRow).where(IncidentRow.tenant == self._tenant, IncidentRow.id == id)
        ).rowcount
        if gone:
            row = {"tenant": self._tenant, "id": id, "revision": revision}
            connection.execute(insert_into(connection, DeletionRow).values(row))
        return bool(gone)


def select_incidents(tenant: str) -> Select[Any]:
    """Return the query of a tenant's incidents; `incident_from` reads its rows."""
    return select(*_COLUMNS).where(IncidentRow.tenant == tenant)


def incident_from(row: Row[Any]) -> ResolvedIncident:
    """Return the record that a row of `select_incidents` holds."""
    report, outcome = row[: len(_REPORT)], row[len(_REPORT) :]
    return ResolvedIncident(IncidentReport(*report), Outcome(*outcome))


def _row(incident: ResolvedIncident) -> dict[str, Any]:
    report, outcome = incident.report, incident.outcome
    row = {name: getattr(report, name) for name in _REPORT}
    row |= {name: getattr(outcome, name) for name in _OUTCOME}
    row |= {"attributes": dict(report.attributes), "fields": dict(outcome.fields)}
    return row | {"resolved": not outcome.is_open}

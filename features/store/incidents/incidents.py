"""The repository of incidents: one row each, with the revision that last changed it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, bindparam, cast, delete, func, or_, select

from features.domain.labels import LabelRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from features.errors import StoreUnavailable
from features.store.counters import move_revision, select_revision
from features.store.database import Insert, insert_into, insert_of
from features.store.incidents.erasure import forget_incident
from features.store.learning.labels import insert_labels
from features.store.repository import Repository
from features.store.tables import DeletionRow, IncidentRow, RevisionRow

_ROWS_AT_ONCE = 1_000
_REPORT = tuple(field.name for field in fields(IncidentReport))
_OUTCOME = tuple(field.name for field in fields(Outcome))
# Built once: most of a short query's time is spent on building it.
_INCIDENTS = select(*(IncidentRow.__table__.c[name] for name in _REPORT + _OUTCOME))
_INCIDENTS_BY_ID = _INCIDENTS.where(
    IncidentRow.tenant == bindparam("tenant"), IncidentRow.id.in_(bindparam("ids", expanding=True))
)
_DELETION_OF_WRITTEN = delete(DeletionRow).where(
    DeletionRow.tenant == bindparam("tenant"),
    DeletionRow.id.in_(
        select(IncidentRow.id).where(
            IncidentRow.tenant == bindparam("tenant"), IncidentRow.revision == bindparam("revision")
        )
    ),
)
_DELETIONS = select(DeletionRow.id).where(
    DeletionRow.tenant == bindparam("tenant"), DeletionRow.revision > bindparam("after")
)


@dataclass(frozen=True, slots=True)
class IncidentChanges:
    """The changes between an earlier revision and `revision`; each id occurs at most once."""

    revision: int
    upserted: tuple[ResolvedIncident, ...] = ()
    deleted: tuple[str, ...] = ()


class IncidentRepository(Repository):
    """The incidents of one tenant.

    Each write increases the tenant's revision by one. A process that holds an index compares
    `revision()` with the revision of its index, and reads `changes_since` to catch up.
    """

    def upsert(
        self, incidents: Sequence[ResolvedIncident], labels: Sequence[LabelRecord] = ()
    ) -> int:
        """Add or replace the incidents by id and return the new revision.

        An unresolved incident has an empty outcome. An incident that is already stored unchanged is
        not written, so other processes do not read it again. All incidents, and the `labels` that
        follow from the outcomes, are stored in one transaction.
        """
        if not incidents:
            return self.revision()
        with self._database.write() as connection:
            revision = move_revision(connection, RevisionRow, self._tenant)
            write_incidents(connection, self._tenant, incidents, revision)
            if labels:
                insert_labels(connection, self._tenant, labels)
        return revision

    def delete(self, id: str) -> bool:  # noqa: A002
        """Delete the incident permanently; False if nothing was stored about it.

        The incident's answers, feedback and labels are deleted too, and so are the entries that
        name the incident in other answers. Only its id is kept; other incidents may still have the
        id as `duplicate_of`.
        """
        with self._database.write() as connection:
            was_stored = self._delete(connection, id)
            had_records = forget_incident(connection, self._tenant, id)
        # The deletion is committed: failing to empty the log must not look like failing to delete.
        with suppress(StoreUnavailable):
            self._database.empty_log()
        return was_stored or had_records

    def get(self, id: str) -> ResolvedIncident | None:  # noqa: A002
        """Return the incident with this id, or None."""
        query = select_incidents(self._tenant).where(IncidentRow.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else incident_from(row)

    def find(self, ids: Sequence[str]) -> dict[str, ResolvedIncident]:
        """Return the incidents with these ids, by id; unknown ids are left out."""
        with self._database.read() as connection:
            rows = connection.execute(_INCIDENTS_BY_ID, {"tenant": self._tenant, "ids": list(ids)})
            return {row.id: incident_from(row) for row in rows}

    def all(self) -> Iterator[ResolvedIncident]:
        """Yield every incident by time of opening, then id; incidents of unknown time come first.

        The iteration sees one state of the store, and keeps a connection open until it ends.
        """
        query = select_incidents(self._tenant).order_by(
            IncidentRow.opened_at.nulls_first(), IncidentRow.id
        )
        with self._database.read() as connection:
            options = {"yield_per": _ROWS_AT_ONCE}
            for row in connection.execute(query, execution_options=options):
                yield incident_from(row)

    def with_runbook(self, *, limit: int) -> tuple[ResolvedIncident, ...]:
        """Return up to `limit` incidents whose outcome names a runbook, the last written first."""
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
        """Return the number of other incidents that are marked as duplicates of this one."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant,
            IncidentRow.duplicate_of == id,
            IncidentRow.id != id,
        )
        return self._scalar(query)

    def count_changes(self, revision: int) -> int:
        """Return how many incidents were written after the revision and still exist."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant, IncidentRow.revision > revision
        )
        return self._scalar(query)

    def revision(self) -> int:
        """Return the tenant's revision, which is the number of writes so far."""
        with self._database.read() as connection:
            return select_revision(connection, RevisionRow, self._tenant)

    def changes_since(self, revision: int) -> IncidentChanges:
        """Return the changes after the revision, oldest first; after revision 0, all incidents."""
        upserted = (
            select_incidents(self._tenant)
            .where(IncidentRow.revision > revision)
            .order_by(IncidentRow.revision, IncidentRow.id)
        )
        deleted = _DELETIONS.order_by(DeletionRow.revision)
        with self._database.read() as connection:
            return IncidentChanges(
                select_revision(connection, RevisionRow, self._tenant),
                tuple(incident_from(row) for row in connection.execute(upserted)),
                tuple(connection.scalars(deleted, {"tenant": self._tenant, "after": revision})),
            )

    def ids_since(self, revision: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return all ids, and the ids of the incidents that were written after the revision."""
        query = select(IncidentRow.id, IncidentRow.revision).where(
            IncidentRow.tenant == self._tenant
        )
        with self._database.read() as connection:
            written = {row.id: row.revision for row in connection.execute(query)}
        return frozenset(written), frozenset(id_ for id_, at in written.items() if at > revision)

    def deleted_since(self, revision: int) -> frozenset[str]:
        """Return the ids that were deleted after the revision and not written again."""
        with self._database.read() as connection:
            return frozenset(
                connection.scalars(_DELETIONS, {"tenant": self._tenant, "after": revision})
            )

    def _select(self, query: Select[Any]) -> tuple[ResolvedIncident, ...]:
        with self._database.read() as connection:
            return tuple(incident_from(row) for row in connection.execute(query))

    def _scalar(self, query: Select[int]) -> int:
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _delete(self, connection: Connection, id: str) -> bool:  # noqa: A002
        """Delete the incident's row and record its id; False if there is no such row."""
        revision = move_revision(connection, RevisionRow, self._tenant)
        deleted = connection.execute(
            delete(IncidentRow).where(IncidentRow.tenant == self._tenant, IncidentRow.id == id)
        ).rowcount
        if deleted:
            row = {"tenant": self._tenant, "id": id, "revision": revision}
            connection.execute(insert_into(connection, DeletionRow).values(row))
        return bool(deleted)


def select_incidents(tenant: str) -> Select[Any]:
    """Return the query of a tenant's incidents; `incident_from` reads its rows."""
    return _INCIDENTS.where(IncidentRow.tenant == tenant)


def incident_from(row: Row[Any]) -> ResolvedIncident:
    """Return the incident in a row of `select_incidents`."""
    report, learned = row[: len(_REPORT)], dict(zip(_OUTCOME, row[len(_REPORT) :], strict=True))
    status = None if learned["status"] is None else Status(learned["status"])
    return ResolvedIncident(IncidentReport(*report), Outcome(**learned | {"status": status}))


def write_incidents(
    connection: Connection, tenant: str, incidents: Sequence[ResolvedIncident], revision: int
) -> None:
    """Write the incidents; a row that would not change keeps its revision."""
    key = {"tenant": tenant, "revision": revision}
    rows = [_row(incident) | key for incident in incidents]
    connection.execute(_upsert_of_changed(connection.dialect.name), rows)
    connection.execute(_DELETION_OF_WRITTEN, key)


@cache
def _upsert_of_changed(dialect: str) -> Insert:
    """Return the statement that adds incidents, and replaces those that differ."""
    statement = insert_of(dialect, IncidentRow)
    old, new = IncidentRow.__table__.c, statement.excluded
    differs = (
        # PostgreSQL cannot compare JSON columns, so their texts are compared.
        cast(old[name], Text).is_distinct_from(cast(new[name], Text))
        for name in _REPORT + _OUTCOME
    )
    return statement.on_conflict_do_update(
        index_elements=["tenant", "id"],
        set_={name: new[name] for name in (*_REPORT, *_OUTCOME, "resolved", "tenant", "revision")},
        where=or_(*differs),
    )


def _row(incident: ResolvedIncident) -> dict[str, Any]:
    report, outcome = incident.report, incident.outcome
    row = {name: getattr(report, name) for name in _REPORT}
    row |= {name: getattr(outcome, name) for name in _OUTCOME}
    row |= {"attributes": dict(report.attributes), "fields": dict(outcome.fields)}
    return row | {"resolved": not outcome.is_open}

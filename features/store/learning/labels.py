"""Labels: what is right of an incident, who said so and when; the strongest of them counts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.store.counters import lock_tenant, next_number
from features.store.repository import Repository
from features.store.tables import LabelRow

_NAMES = tuple(field.name for field in fields(LabelRecord))
_COLUMNS = tuple(LabelRow.__table__.c[name] for name in _NAMES)
# Databases limit how many values a query may name; of more, everything is read and sorted out.
_MOST_NAMED = 5_000


class LabelRepository(Repository):
    """The labels of one tenant, only ever added to. They move no revision."""

    def record(self, records: Sequence[LabelRecord]) -> None:
        """Append the labels, all or none; one that repeats what was said last is left out."""
        if not records:
            return
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            insert_labels(connection, self._tenant, records)

    def select(
        self,
        *,
        target: str | None = None,
        incident_ids: Collection[str] | None = None,
        until: datetime | None = None,
    ) -> tuple[LabelRecord, ...]:
        """Return every label that meets the conditions, oldest first; `until` is included."""
        with self._database.read() as connection:
            return select_labels(
                connection, self._tenant, target=target, incident_ids=incident_ids, until=until
            )

    def count_since(self, moment: datetime) -> int:
        """Return of how many labels we learned after a moment, but for our own echoes."""
        query = select(func.count()).where(
            LabelRow.tenant == self._tenant,
            LabelRow.recorded_at > moment,
            LabelRow.source != LabelSource.SELF_CONFIRMED,
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())


def insert_labels(connection: Connection, tenant: str, records: Sequence[LabelRecord]) -> None:
    """Append the records, but for those that only repeat what was said last.

    The caller holds the tenant's lock, so that of two who say the same at once one is kept.
    """
    new = tuple(_unsaid(connection, tenant, records))
    if new:
        first = next_number(connection, LabelRow, tenant)
        rows = [
            {name: getattr(record, name) for name in _NAMES}
            | {"tenant": tenant, "number": number, "recorded_at": datetime.now(UTC)}
            for number, record in enumerate(new, start=first)
        ]
        connection.execute(insert(LabelRow), rows)


def _unsaid(
    connection: Connection, tenant: str, records: Sequence[LabelRecord]
) -> Iterator[LabelRecord]:
    incidents = {record.incident_id for record in records}
    query = _select(tenant, incident_ids=incidents)
    rows = sorted(connection.execute(query), key=lambda row: int(row.number))
    known = [_record_from(row) for row in rows]
    last = {_subject(label): label for label in known if label.incident_id in incidents}
    for record in records:
        before = last.get(_subject(record))
        if before is None or not _repeats(record, before):
            last[_subject(record)] = record
            yield record


def _subject(record: LabelRecord) -> tuple[str, str, bool]:
    # What people say does not change the final state, nor it what they said.
    return record.incident_id, record.target, record.given_by == FINAL_STATE


def _repeats(record: LabelRecord, before: LabelRecord) -> bool:
    # A state that stays is no news, whatever was answered since it was reached.
    if record.given_by == FINAL_STATE:
        return record.label == before.label
    return replace(record, given_at=before.given_at) == before


def select_labels(
    connection: Connection,
    tenant: str,
    *,
    target: str | None = None,
    incident_ids: Collection[str] | None = None,
    until: datetime | None = None,
) -> tuple[LabelRecord, ...]:
    """Return the labels that meet every condition, oldest first; `until` is included."""
    recorded = select_recorded_labels(
        connection, tenant, target=target, incident_ids=incident_ids, until=until
    )
    return tuple(label for label, _ in recorded)


def select_recorded_labels(
    connection: Connection,
    tenant: str,
    *,
    target: str | None = None,
    incident_ids: Collection[str] | None = None,
    until: datetime | None = None,
) -> tuple[tuple[LabelRecord, datetime], ...]:
    """Return the labels as `select_labels` does, each with the time at which we learned of it."""
    wanted = None if incident_ids is None else frozenset(incident_ids)
    query = _select(tenant, target=target, incident_ids=wanted, until=until)
    rows = [row for row in connection.execute(query) if wanted is None or row.incident_id in wanted]
    return tuple((_record_from(row), row.recorded_at) for row in sorted(rows, key=_age))


def _select(
    tenant: str,
    *,
    target: str | None = None,
    incident_ids: Collection[str] | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    # Asked to sort, SQLite would rather walk through everybody's labels in that order.
    query = select(*_COLUMNS, LabelRow.number, LabelRow.recorded_at).where(
        LabelRow.tenant == tenant
    )
    if target is not None:
        query = query.where(LabelRow.target == target)
    if until is not None:
        query = query.where(LabelRow.given_at <= until)
    if incident_ids is not None and len(incident_ids) <= _MOST_NAMED:
        query = query.where(LabelRow.incident_id.in_(incident_ids))
    return query


def delete_labels(connection: Connection, tenant: str, incident_id: str) -> int:
    """Remove the labels of an incident, and those that name it; tell how many were its own."""
    names_it = (LabelRow.target == "similar", LabelRow.label == incident_id)
    connection.execute(delete(LabelRow).where(LabelRow.tenant == tenant, *names_it))
    own = delete(LabelRow).where(LabelRow.tenant == tenant, LabelRow.incident_id == incident_id)
    return connection.execute(own).rowcount


def _age(row: Row[Any]) -> tuple[datetime, int]:
    return row.given_at, row.number


def _record_from(row: Row[Any]) -> LabelRecord:
    given = {name: getattr(row, name) for name in _NAMES}
    return LabelRecord(**(given | {"source": LabelSource(row.source)}))

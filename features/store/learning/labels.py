"""The repository of labels; it is append-only."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.store.counters import lock_tenant, next_number
from features.store.repository import Repository
from features.store.tables import LabelRow, PredictionRow

_NAMES = tuple(field.name for field in fields(LabelRecord))
_COLUMNS = tuple(LabelRow.__table__.c[name] for name in _NAMES)
# Databases limit the number of values in a query; for more ids, all labels are read and filtered.
_MAX_QUERY_IDS = 5_000


class LabelRepository(Repository):
    """The labels of one tenant; a write does not increase the incidents' revision."""

    def record(self, records: Sequence[LabelRecord]) -> None:
        """Append the labels in one transaction, as `insert_labels` does."""
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

    def unlisted(self, target: str, labels: Collection[str], limit: int) -> tuple[LabelRecord, ...]:
        """Return a target's labels other than `labels`, the last `limit` recorded, oldest first.

        Self-confirmed labels are left out.
        """
        query = (
            _select(self._tenant, target=target)
            .where(LabelRow.source != LabelSource.SELF_CONFIRMED)
            .where(LabelRow.label.not_in(list(labels)[:_MAX_QUERY_IDS]))
            .order_by(LabelRow.number.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            records = [_record_from(row) for row in connection.execute(query)]
        return tuple(record for record in reversed(records) if record.label not in labels)

    def representative(self, target: str, limit: int) -> tuple[LabelRecord, ...]:
        """Return a target's last `limit` given labels that stand for all incidents, oldest first.

        These are final states and audited labels. Incidents whose answer was acted upon are left
        out, whether the answer was right or replaced, except those of the audit sample.
        """
        was_acted_upon = exists().where(
            PredictionRow.tenant == self._tenant,
            PredictionRow.prediction_id == LabelRow.prediction_id,
            PredictionRow.target == LabelRow.target,
            PredictionRow.decision == "auto",
            PredictionRow.mode == "auto",
        )
        is_final = (LabelRow.given_by == FINAL_STATE) & ~was_acted_upon
        query = (
            _select(self._tenant, target=target)
            .where(LabelRow.source != LabelSource.SELF_CONFIRMED)
            .where(is_final | (LabelRow.source == LabelSource.AUDITED))
            .order_by(LabelRow.given_at.desc(), LabelRow.number.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(_record_from(row) for row in connection.execute(query))[::-1]

    def count_since(self, moment: datetime) -> int:
        """Return how many labels were recorded after a moment, without self-confirmed ones."""
        query = select(func.count()).where(
            LabelRow.tenant == self._tenant,
            LabelRow.recorded_at > moment,
            LabelRow.source != LabelSource.SELF_CONFIRMED,
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())


def insert_labels(connection: Connection, tenant: str, records: Sequence[LabelRecord]) -> None:
    """Append each label that does not repeat the last label of its incident and target.

    A final state is compared only with the last final state, and a person's label only with the
    last label from a person. The caller must hold the tenant's lock, so that two equal labels given
    at the same time are stored once.
    """
    new_records = tuple(_new_labels(connection, tenant, records))
    if new_records:
        first_number = next_number(connection, LabelRow, tenant)
        rows = [
            {name: getattr(record, name) for name in _NAMES}
            | {"tenant": tenant, "number": number, "recorded_at": datetime.now(UTC)}
            for number, record in enumerate(new_records, start=first_number)
        ]
        connection.execute(insert(LabelRow), rows)


def _new_labels(
    connection: Connection, tenant: str, records: Sequence[LabelRecord]
) -> Iterator[LabelRecord]:
    incident_ids = {record.incident_id for record in records}
    query = _select(tenant, incident_ids=incident_ids)
    rows = sorted(connection.execute(query), key=lambda row: int(row.number))
    stored = [_record_from(row) for row in rows]
    last = {_subject(record): record for record in stored if record.incident_id in incident_ids}
    for record in records:
        previous = last.get(_subject(record))
        if previous is None or not _repeats(record, previous):
            last[_subject(record)] = record
            yield record


def _subject(record: LabelRecord) -> tuple[str, str, bool]:
    # People's labels and final states are compared separately: neither repeats the other.
    return record.incident_id, record.target, record.given_by == FINAL_STATE


def _repeats(record: LabelRecord, previous: LabelRecord) -> bool:
    # A final state with the same label is not new, even if later answers change its source.
    if record.given_by == FINAL_STATE:
        return record.label == previous.label
    return replace(record, given_at=previous.given_at) == previous


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
    """Return the labels as `select_labels` does, each with the time at which it was recorded."""
    ids = None if incident_ids is None else frozenset(incident_ids)
    query = _select(tenant, target=target, incident_ids=ids, until=until)
    rows = [row for row in connection.execute(query) if ids is None or row.incident_id in ids]
    rows.sort(key=_time_order)
    return tuple((_record_from(row), row.recorded_at) for row in rows)


def _select(
    tenant: str,
    *,
    target: str | None = None,
    incident_ids: Collection[str] | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    # Without ORDER BY: with it, SQLite would read the labels of all incidents in that order.
    query = select(*_COLUMNS, LabelRow.number, LabelRow.recorded_at).where(
        LabelRow.tenant == tenant
    )
    if target is not None:
        query = query.where(LabelRow.target == target)
    if until is not None:
        query = query.where(LabelRow.given_at <= until)
    if incident_ids is not None and len(incident_ids) <= _MAX_QUERY_IDS:
        query = query.where(LabelRow.incident_id.in_(incident_ids))
    return query


def delete_labels(connection: Connection, tenant: str, incident_id: str) -> int:
    """Delete an incident's labels, and return their number; also delete labels that name it."""
    names_it = (LabelRow.target == "similar", LabelRow.label == incident_id)
    connection.execute(delete(LabelRow).where(LabelRow.tenant == tenant, *names_it))
    is_own = (LabelRow.tenant == tenant, LabelRow.incident_id == incident_id)
    return connection.execute(delete(LabelRow).where(*is_own)).rowcount


def _time_order(row: Row[Any]) -> tuple[datetime, int]:
    return row.given_at, row.number


def _record_from(row: Row[Any]) -> LabelRecord:
    values = {name: getattr(row, name) for name in _NAMES}
    return LabelRecord(**(values | {"source": LabelSource(row.source)}))

"""Labels: what is right of an incident, who said so and when; the strongest of them counts."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from features.store.learning_tables import LabelRow
from features.store.sequences import next_number


class LabelSource(StrEnum):
    """Where a label comes from, and so how far it may be trusted."""

    SELF_CONFIRMED = "echo"
    """The final state repeats our own `auto` answer and nobody looked: it never trains."""
    ACCEPTED = "accepted"
    """A person saw our answer and took it, by feedback or by leaving it in the final state."""
    OUTCOME = "outcome"
    """The final state, where no answer of ours had been shown."""
    REPLACED = "replaced"
    """The final state differs from the answer that was shown or acted upon."""
    CORRECTED = "corrected"
    """Feedback named another label, or a runbook that helped."""
    AUDITED = "audited"
    """A person decided on an audit sample, without seeing our answer."""

    @property
    def trust(self) -> "LabelTrust":
        """How independent of our own answers it is.

        >>> [source.trust.name for source in LabelSource][:3]
        ['SELF', 'REVIEWED', 'INDEPENDENT']
        """
        return _TRUST.get(self, LabelTrust.INDEPENDENT)


class LabelTrust(IntEnum):
    """How independent of our own answers a label is; of several the most independent counts."""

    SELF = 0
    """Our own answer, which nobody looked at."""
    REVIEWED = 1
    """A person saw our answer and took it."""
    INDEPENDENT = 2
    """A person's own word, or a final state that no answer of ours preceded."""


_TRUST = {
    LabelSource.SELF_CONFIRMED: LabelTrust.SELF,
    LabelSource.ACCEPTED: LabelTrust.REVIEWED,
}


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """What is right of one target of one incident, according to somebody.

    `target` is that of a model; the label of `similar` is another incident's id, that of
    `runbooks` a runbook's. `given_at` is aware UTC: when it was said, or when the incident reached
    its final state. `prediction_id` is the answer that it judges, None where there is none.
    """

    incident_id: str
    target: str
    label: str
    source: LabelSource
    given_by: str
    given_at: datetime
    prediction_id: str | None = None


def strongest(records: Iterable[LabelRecord]) -> LabelRecord | None:
    """Return the most trusted record, of those the latest; None of none.

    Of two given at one moment the later in the order of the records counts. A final state that
    gave way to another is none: of these only the latest is weighed.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> said = LabelRecord("INC1", "category", "Mail", LabelSource.CORRECTED, "ann", at)
    >>> left = LabelRecord("INC1", "category", "VPN", LabelSource.ACCEPTED, "final state", at)
    >>> strongest([said, left]).label
    'Mail'
    """
    in_time = sorted(records, key=lambda record: record.given_at)
    states = [record for record in in_time if record.given_by == FINAL_STATE]
    standing = [record for record in in_time if record not in states[:-1]]
    by_trust = sorted(standing, key=lambda record: record.source.trust)
    return by_trust[-1] if by_trust else None


FINAL_STATE = "final state"
"""Who gave a label that was read off an incident's outcome."""

_NAMES = tuple(field.name for field in fields(LabelRecord))
_COLUMNS = tuple(LabelRow.__table__.c[name] for name in _NAMES)
# Databases limit how many values a query may name; of more, everything is read and sorted out.
_MOST_NAMED = 5_000


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
    last = {_subject(one): one for one in known if one.incident_id in incidents}
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
    said = select_recorded_labels(
        connection, tenant, target=target, incident_ids=incident_ids, until=until
    )
    return tuple(label for label, _ in said)


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


def count_labels_since(connection: Connection, tenant: str, moment: datetime) -> int:
    """Return of how many labels we learned after a moment, but for our own echoes."""
    query = select(func.count()).where(
        LabelRow.tenant == tenant,
        LabelRow.recorded_at > moment,
        LabelRow.source != LabelSource.SELF_CONFIRMED,
    )
    return int(connection.execute(query).scalar_one())


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

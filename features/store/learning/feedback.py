"""The repository of people's feedback on answers."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, or_, select

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.labels import LabelRecord
from features.store.counters import lock_tenant
from features.store.database import insert_into
from features.store.learning.labels import insert_labels
from features.store.repository import Repository
from features.store.tables import FeedbackRow

_NAMES = tuple(field.name for field in fields(FeedbackRecord))
_KEY = ("tenant", "prediction_id", "target", "subject", "given_by")
# Built once: most of a short query's time is spent on building it.
_OLDEST_FIRST = select(*(FeedbackRow.__table__.c[name] for name in _NAMES)).order_by(
    FeedbackRow.given_at, *(FeedbackRow.__table__.c[name] for name in _KEY)
)
# The stored subject of feedback on a whole answer: key columns cannot be null, no id is empty.
_WHOLE_ANSWER = ""
# The targets of lists whose entries are past incidents.
_INCIDENT_TARGETS = ("similar", "open_match")
_ON_INCIDENTS = _OLDEST_FIRST.where(
    FeedbackRow.tenant == bindparam("tenant"),
    FeedbackRow.incident_id.in_(bindparam("incident_ids", expanding=True)),
    FeedbackRow.target.in_(_INCIDENT_TARGETS),
)


class FeedbackRepository(Repository):
    """The feedback of one tenant; a write does not increase the incidents' revision."""

    def record(self, record: FeedbackRecord, labels: Sequence[LabelRecord] = ()) -> None:
        """Store feedback, in place of the same person's earlier feedback on the same entry.

        The `labels` that follow from it are stored in the same transaction. Raises `ValueError` for
        an unknown action.
        """
        with self._database.write() as connection:
            _upsert(connection, self._tenant, record)
            if labels:
                lock_tenant(connection, self._tenant)
                insert_labels(connection, self._tenant, labels)

    def select(
        self, target: str | None = None, incident_id: str | None = None
    ) -> tuple[FeedbackRecord, ...]:
        """Return the feedback on the given target and incident, by default on all; oldest first."""
        conditions: list[ColumnElement[bool]] = []
        if target is not None:
            conditions.append(FeedbackRow.target == target)
        if incident_id is not None:
            conditions.append(FeedbackRow.incident_id == incident_id)
        return self._select(*conditions)

    def count_and_latest(self, target: str) -> tuple[int, datetime | None]:
        """Return how much feedback a target's answers have, and the time of the latest.

        Changed feedback replaces a row: the count stays the same, the latest time does not.
        """
        query = select(func.count(), func.max(FeedbackRow.given_at)).where(
            FeedbackRow.tenant == self._tenant, FeedbackRow.target == target
        )
        with self._database.read() as connection:
            count, latest = connection.execute(query).one()
        return count, latest

    def dismissed(self, incident_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return by incident the ids of the past incidents that were dismissed in its answers.

        Incidents without any are left out.

        There are two lists of past incidents: `similar` and `open_match`. For each list and entry
        the latest feedback counts, whoever gave it. An entry that is dismissed in one list is
        returned regardless of the feedback on it in the other list.
        """
        asked = {"tenant": self._tenant, "incident_ids": list(incident_ids)}
        with self._database.read() as connection:
            records = [_record_from(row) for row in connection.execute(_ON_INCIDENTS, asked)]
        last = {(record.incident_id, record.target, record.subject): record for record in records}
        dismissed: dict[str, frozenset[str]] = {}
        for (incident_id, _, subject), record in last.items():
            if subject and record.action is FeedbackAction.DISMISS:
                dismissed[incident_id] = dismissed.get(incident_id, frozenset()) | {subject}
        return dismissed

    def _select(self, *conditions: ColumnElement[bool]) -> tuple[FeedbackRecord, ...]:
        query = _OLDEST_FIRST.where(FeedbackRow.tenant == self._tenant, *conditions)
        with self._database.read() as connection:
            return tuple(_record_from(row) for row in connection.execute(query))


def delete_feedback(connection: Connection, tenant: str, incident_id: str) -> int:
    """Delete the feedback on an incident's answers and on entries naming it; returns the count."""
    # The subject of a runbook's feedback is a runbook id, which may equal an incident's.
    names_it = and_(FeedbackRow.subject == incident_id, FeedbackRow.target != "runbooks")
    deletion = delete(FeedbackRow).where(
        FeedbackRow.tenant == tenant, or_(FeedbackRow.incident_id == incident_id, names_it)
    )
    return connection.execute(deletion).rowcount


def _upsert(connection: Connection, tenant: str, record: FeedbackRecord) -> None:
    row: dict[str, Any] = {name: getattr(record, name) for name in _NAMES} | {
        "tenant": tenant,
        "action": FeedbackAction(record.action),
        "subject": record.subject or _WHOLE_ANSWER,
    }
    new = {name: value for name, value in row.items() if name not in _KEY}
    statement = insert_into(connection, FeedbackRow).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=new))


def _record_from(row: Row[Any]) -> FeedbackRecord:
    values = dict(zip(_NAMES, row, strict=True))
    values |= {"action": FeedbackAction(row.action), "subject": row.subject or None}
    return FeedbackRecord(**values)

"""What people say of answers: accepted, corrected or dismissed, by whom and when."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.labels import LabelRecord
from features.store.counters import lock_tenant
from features.store.database import insert_into
from features.store.learning.labels import insert_labels
from features.store.repository import Repository
from features.store.tables import FeedbackRow

_NAMES = tuple(field.name for field in fields(FeedbackRecord))
_COLUMNS = tuple(FeedbackRow.__table__.c[name] for name in _NAMES)
_KEY = ("tenant", "prediction_id", "target", "subject", "given_by")
# A column of a key cannot be null, and no id is empty.
_WHOLE_ANSWER = ""
# The targets whose subjects are past incidents.
_PAST = frozenset({"similar", "open_match"})


class FeedbackRepository(Repository):
    """What the people of one tenant said of answers. It moves no revision."""

    def record(self, record: FeedbackRecord, labels: Sequence[LabelRecord] = ()) -> None:
        """Keep what somebody said, in place of what they said of the same thing before.

        The `labels` that this makes are kept with it, or neither is. Raises `ValueError` for an
        action that there is not.
        """
        with self._database.write() as connection:
            _upsert(connection, self._tenant, record)
            if labels:
                lock_tenant(connection, self._tenant)
                insert_labels(connection, self._tenant, labels)

    def select(
        self, target: str | None = None, incident_id: str | None = None
    ) -> tuple[FeedbackRecord, ...]:
        """Return what was said, oldest first, of everything or of one target or incident."""
        wanted: list[ColumnElement[bool]] = [FeedbackRow.tenant == self._tenant]
        if target is not None:
            wanted.append(FeedbackRow.target == target)
        if incident_id is not None:
            wanted.append(FeedbackRow.incident_id == incident_id)
        order = (FeedbackRow.given_at, *(FeedbackRow.__table__.c[name] for name in _KEY))
        query = select(*_COLUMNS).where(*wanted).order_by(*order)
        with self._database.read() as connection:
            return tuple(_record_from(row) for row in connection.execute(query))

    def dismissed(self, incident_id: str) -> frozenset[str]:
        """Return the past incidents that were dismissed for an incident, on either list of them.

        Of each list the last word counts, whoever's it is; no word on one takes back that on the
        other.
        """
        records = self.select(incident_id=incident_id)
        last = {(record.target, record.subject): record.action for record in records}
        return frozenset(
            subject
            for (target, subject), action in last.items()
            if subject and target in _PAST and action is FeedbackAction.DISMISS
        )


def delete_feedback(connection: Connection, tenant: str, incident_id: str) -> int:
    """Remove what was said about an incident, and where it names the incident; tell how much."""
    # A runbook may have the id of an incident.
    names_it = and_(FeedbackRow.subject == incident_id, FeedbackRow.target != "runbooks")
    about = delete(FeedbackRow).where(
        FeedbackRow.tenant == tenant, or_(FeedbackRow.incident_id == incident_id, names_it)
    )
    return connection.execute(about).rowcount


def _upsert(connection: Connection, tenant: str, record: FeedbackRecord) -> None:
    row: dict[str, Any] = {name: getattr(record, name) for name in _NAMES} | {
        "tenant": tenant,
        "action": FeedbackAction(record.action),
        "subject": record.subject or _WHOLE_ANSWER,
    }
    new = {name: given for name, given in row.items() if name not in _KEY}
    statement = insert_into(connection, FeedbackRow).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=new))


def _record_from(row: Row[Any]) -> FeedbackRecord:
    given = dict(zip(_NAMES, row, strict=True))
    given |= {"action": FeedbackAction(row.action), "subject": row.subject or None}
    return FeedbackRecord(**given)

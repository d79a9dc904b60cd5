"""What people say of answers: accepted, corrected or dismissed, by whom and when."""

from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.store.database import insert_into
from features.store.tables import FeedbackRow

_NAMES = tuple(field.name for field in fields(FeedbackRecord))
_COLUMNS = tuple(FeedbackRow.__table__.c[name] for name in _NAMES)
_KEY = ("tenant", "prediction_id", "target", "subject", "given_by")
# A column of a key cannot be null, and no id is empty.
_WHOLE_ANSWER = ""
# The targets whose subjects are past incidents.
_PAST = frozenset({"similar", "open_match"})


def upsert_feedback(connection: Connection, tenant: str, record: FeedbackRecord) -> None:
    """Keep what was said, in place of what the same person said of the same thing before.

    Raises `ValueError` for an action that there is not.
    """
    row: dict[str, Any] = {name: getattr(record, name) for name in _NAMES} | {
        "tenant": tenant,
        "action": FeedbackAction(record.action),
        "subject": record.subject or _WHOLE_ANSWER,
    }
    new = {name: given for name, given in row.items() if name not in _KEY}
    statement = insert_into(connection, FeedbackRow).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=new))


def select_feedback(
    connection: Connection, tenant: str, *, target: str | None, incident_id: str | None
) -> tuple[FeedbackRecord, ...]:
    """Return what was said, oldest first, of everything or of one target or incident."""
    wanted: list[ColumnElement[bool]] = [FeedbackRow.tenant == tenant]
    if target is not None:
        wanted.append(FeedbackRow.target == target)
    if incident_id is not None:
        wanted.append(FeedbackRow.incident_id == incident_id)
    order = (FeedbackRow.given_at, *(FeedbackRow.__table__.c[name] for name in _KEY))
    query = select(*_COLUMNS).where(*wanted).order_by(*order)
    return tuple(_record_from(row) for row in connection.execute(query))


def select_dismissed(connection: Connection, tenant: str, incident_id: str) -> frozenset[str]:
    """Return the past incidents that were dismissed for an incident, on either list of them.

    Of each list the last word counts, whoever's it is; no word on one takes back that on the other.
    """
    said = select_feedback(connection, tenant, target=None, incident_id=incident_id)
    last = {(one.target, one.subject): one.action for one in said if one.subject}
    return frozenset(
        subject
        for (target, subject), action in last.items()
        if target in _PAST and action is FeedbackAction.DISMISS
    )


def _record_from(row: Row[Any]) -> FeedbackRecord:
    given = dict(zip(_NAMES, row, strict=True))
    given |= {"action": FeedbackAction(row.action), "subject": row.subject or None}
    return FeedbackRecord(**given)

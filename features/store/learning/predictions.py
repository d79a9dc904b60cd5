"""The log of what was answered: one row for each prediction and target."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select

from features.domain.predictions import PredictionRecord
from features.store.tables import PredictionRow

_NAMES = tuple(field.name for field in fields(PredictionRecord))
_COLUMNS = tuple(PredictionRow.__table__.c[name] for name in _NAMES)


def insert_predictions(
    connection: Connection, tenant: str, records: Sequence[PredictionRecord]
) -> None:
    """Add the records, of which there is at least one."""
    connection.execute(insert(PredictionRow), [_row(tenant, record) for record in records])


def select_prediction(
    connection: Connection, tenant: str, prediction_id: str
) -> tuple[PredictionRecord, ...]:
    """Return the records of one answer, ordered by target."""
    query = select_predictions(tenant).where(PredictionRow.prediction_id == prediction_id)
    return tuple(prediction_from(row) for row in connection.execute(query))


def select_latest_predictions(
    connection: Connection, tenant: str, incident_ids: Sequence[str]
) -> dict[str, tuple[PredictionRecord, ...]]:
    """Return the records of the newest answer about each incident that has one."""
    by_age = (PredictionRow.answered_at.desc(), PredictionRow.prediction_id.desc())
    age = func.row_number().over(partition_by=PredictionRow.incident_id, order_by=by_age)
    aged = (
        select(PredictionRow.prediction_id, age.label("age"))
        .where(PredictionRow.tenant == tenant, PredictionRow.incident_id.in_(incident_ids))
        .subquery()
    )
    newest = and_(PredictionRow.prediction_id == aged.c.prediction_id, aged.c.age == 1)
    found: dict[str, tuple[PredictionRecord, ...]] = {}
    for row in connection.execute(select_predictions(tenant).join(aged, newest)):
        record = prediction_from(row)
        found[record.incident_id] = (*found.get(record.incident_id, ()), record)
    return found


def select_predictions_about(
    connection: Connection, tenant: str, incident_id: str, until: datetime | None
) -> tuple[PredictionRecord, ...]:
    """Return the records about an incident, newest first; `until` is included."""
    query = select(*_COLUMNS).where(
        PredictionRow.tenant == tenant, PredictionRow.incident_id == incident_id
    )
    if until is not None:
        query = query.where(PredictionRow.answered_at <= until)
    found = [
        prediction_from(row) for row in connection.execute(query.order_by(PredictionRow.target))
    ]
    # SQLite, asked to sort by time, would walk through everybody's answers in that order.
    return tuple(sorted(found, key=lambda one: (one.answered_at, one.prediction_id), reverse=True))


def select_predictions(tenant: str) -> Select[Any]:
    """Return the query of a tenant's predictions by target; `prediction_from` reads its rows."""
    return select(*_COLUMNS).where(PredictionRow.tenant == tenant).order_by(PredictionRow.target)


def prediction_from(row: Sequence[Any]) -> PredictionRecord:
    """Return the record that a row of `select_predictions` holds."""
    return PredictionRecord(*row)


def _row(tenant: str, record: PredictionRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _NAMES}
    return row | {"tenant": tenant, "answer": dict(record.answer)}

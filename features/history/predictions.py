"""The log of what was answered: one row for each prediction and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from features.history.tables import PredictionRow


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """What one model answered about one incident.

    `answer` is the prediction as the caller got it, of types that JSON knows. `confidence` is the
    calibrated probability in 0..1, `mode` what the owner allowed then, `answered_at` is aware UTC.
    """

    prediction_id: str
    request_id: str
    incident_id: str
    target: str
    model_version: str
    label: str
    confidence: float
    decision: str
    mode: str
    answer: Mapping[str, Any]
    answered_at: datetime


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
    query = (
        select(*_COLUMNS)
        .where(PredictionRow.tenant == tenant, PredictionRow.prediction_id == prediction_id)
        .order_by(PredictionRow.target)
    )
    return tuple(PredictionRecord(*row) for row in connection.execute(query))


def _row(tenant: str, record: PredictionRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _NAMES}
    return row | {"tenant": tenant, "answer": dict(record.answer)}

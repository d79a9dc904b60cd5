"""Erases a deleted incident from the store: its own records, and its mentions in other records."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Text, bindparam, cast, delete, or_, update

from features.domain.predictions import PredictionRecord
from features.store.learning.dataset_metadata import erase_in_dataset_metadata
from features.store.learning.feedback import delete_feedback
from features.store.learning.labels import delete_labels
from features.store.learning.monitoring_reports import erase_in_monitoring
from features.store.learning.predictions import (
    delete_predictions,
    prediction_from,
    select_predictions,
)
from features.store.learning.shadow_predictions import delete_shadows
from features.store.tables import (
    AlertRow,
    IdempotencyKeyRow,
    IncidentVersionRow,
    PredictionRow,
    StormLinkRow,
    TrackingRow,
    TriagedReportRow,
    TriageQueueRow,
)

_OF_INCIDENT = (
    TrackingRow,
    IncidentVersionRow,
    AlertRow,
    StormLinkRow,
    TriageQueueRow,
    TriagedReportRow,
)
_USE_PHRASES = ("used for", "helped with")


def forget_incident(connection: Connection, tenant: str, id: str) -> bool:  # noqa: A002
    """Delete the incident's answers, feedback and labels, and its mentions in other records.

    Returns whether the incident had any answers or labels, or whether there was any feedback on its
    answers or on entries that name it.
    """
    removed = delete_predictions(connection, tenant, id)
    removed += delete_feedback(connection, tenant, id)
    removed += delete_labels(connection, tenant, id)
    delete_shadows(connection, tenant, id)
    erase_in_monitoring(connection, tenant, id)
    erase_in_dataset_metadata(connection, tenant, id)
    _delete_tracking(connection, tenant, id)
    _erase_mentions(connection, tenant, id)
    _delete_keyed_answers(connection, tenant, id)
    return removed > 0


def _delete_tracking(connection: Connection, tenant: str, id: str) -> None:  # noqa: A002
    """Delete what is kept beside the incident, and its mentions in the tracking of others."""
    for table in _OF_INCIDENT:
        connection.execute(delete(table).where(table.tenant == tenant, table.incident_id == id))
    connection.execute(
        delete(StormLinkRow).where(StormLinkRow.tenant == tenant, StormLinkRow.head_id == id)
    )
    for column in (TrackingRow.previous_id, TrackingRow.consequence_of):
        connection.execute(
            update(TrackingRow)
            .where(TrackingRow.tenant == tenant, column == id)
            .values({column.key: None})
        )


def without_mentions(answer: Mapping[str, Any], id: str) -> dict[str, Any]:  # noqa: A002
    """Return the answer without the entries that name the incident.

    >>> entries = [{"id": "INC1", "title": "VPN down"}, {"id": "INC2", "copies": ["INC1", "INC3"]}]
    >>> without_mentions({"similar": entries, "open_match": {"id": "INC1"}}, "INC1")
    {'similar': [{'id': 'INC2', 'copies': ['INC3']}], 'open_match': None}
    """
    return {name: _value_without_mentions(name, value, id) for name, value in answer.items()}


def _value_without_mentions(name: str, value: object, id: str) -> object:  # noqa: A002
    match name, value:
        case "runbooks", list():
            return [without_mentions(entry, id) for entry in value]
        case "why", list():
            return [reason for reason in value if not _names_use(reason, id)]
        case "exemplars" | "similar", list():
            return [without_mentions(entry, id) for entry in value if entry.get("id") != id]
        case "copies", list():
            return [copy for copy in value if copy != id]
        case "open_match", {"id": match_id} if match_id == id:
            return None
        case _, dict():
            return without_mentions(value, id)
    return value


def _names_use(reason: str, id: str) -> bool:  # noqa: A002
    """Return whether a reason says that a runbook was used for the incident."""
    return any(
        reason == f"{phrase} {id}" or reason.startswith(f"{phrase} {id}: ")
        for phrase in _USE_PHRASES
    )


def _mentions(id: str) -> tuple[str, ...]:  # noqa: A002
    """Return the texts by which a JSON answer can name the incident."""
    json_id = to_json(id).decode()
    return json_id, *(f'"{phrase} {json_id[1:-1]}' for phrase in _USE_PHRASES)


def _delete_keyed_answers(connection: Connection, tenant: str, id: str) -> None:  # noqa: A002
    answer = IdempotencyKeyRow.response
    names_it = or_(*(answer.contains(mention, autoescape=True) for mention in _mentions(id)))
    connection.execute(
        delete(IdempotencyKeyRow).where(IdempotencyKeyRow.tenant == tenant, names_it)
    )


def _erase_mentions(connection: Connection, tenant: str, id: str) -> None:  # noqa: A002
    answer = cast(PredictionRow.answer, Text)
    names_it = or_(*(answer.contains(mention, autoescape=True) for mention in _mentions(id)))
    query = select_predictions(tenant).where(names_it)
    rows = [
        _update_row(_record_without_mentions(prediction_from(row), id))
        for row in connection.execute(query)
    ]
    if rows:
        connection.execute(
            update(PredictionRow).where(
                PredictionRow.tenant == tenant,
                PredictionRow.prediction_id == bindparam("of_prediction"),
                PredictionRow.target == bindparam("of_target"),
            ),
            rows,
        )


def _record_without_mentions(record: PredictionRecord, id: str) -> PredictionRecord:  # noqa: A002
    answer = without_mentions(record.answer, id)
    if record.target != "similar":
        return replace(record, answer=answer)
    best_entry: Mapping[str, Any] = next(iter(answer.get("similar", ())), {})
    return replace(
        record,
        answer=answer,
        label=best_entry.get("id", ""),
        confidence=best_entry.get("relatedness", 0.0),
        decision=record.decision if best_entry else "abstain",
    )


def _update_row(record: PredictionRecord) -> dict[str, Any]:
    return {
        "of_prediction": record.prediction_id,
        "of_target": record.target,
        "label": record.label,
        "confidence": record.confidence,
        "decision": record.decision,
        "answer": record.answer,
    }

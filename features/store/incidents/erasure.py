"""Takes an incident out of what was answered and said: its own records, and others' mentions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Text, bindparam, cast, or_, update

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
from features.store.tables import PredictionRow

_USES = ("used for", "helped with")


def forget_incident(connection: Connection, tenant: str, id: str) -> bool:  # noqa: A002
    """Remove what was answered and said about the incident, and where others' answers name it.

    What is said to be right of it goes too. Returns whether there was anything of the kind.
    """
    removed = delete_predictions(connection, tenant, id)
    removed += delete_feedback(connection, tenant, id)
    removed += delete_labels(connection, tenant, id)
    delete_shadows(connection, tenant, id)
    erase_in_monitoring(connection, tenant, id)
    erase_in_dataset_metadata(connection, tenant, id)
    _scrub_others(connection, tenant, id)
    return removed > 0


def without_mentions(answer: Mapping[str, Any], id: str) -> dict[str, Any]:  # noqa: A002
    """Return the answer without the entries that are about the incident.

    >>> related = [{"id": "INC1", "title": "VPN down"}, {"id": "INC2", "copies": ["INC1", "INC3"]}]
    >>> without_mentions({"similar": related, "open_match": {"id": "INC1"}}, "INC1")
    {'similar': [{'id': 'INC2', 'copies': ['INC3']}], 'open_match': None}
    """
    return {name: _without(name, part, id) for name, part in answer.items()}


def _without(name: str, part: object, id: str) -> object:  # noqa: A002
    match name, part:
        case "runbooks", list():
            return [without_mentions(entry, id) for entry in part]
        case "why", list():
            return [reason for reason in part if not _tells_of_use(reason, id)]
        case "exemplars" | "similar", list():
            return [without_mentions(entry, id) for entry in part if entry.get("id") != id]
        case "copies", list():
            return [copy for copy in part if copy != id]
        case "open_match", {"id": match} if match == id:
            return None
        case _, dict():
            return without_mentions(part, id)
    return part


def _tells_of_use(reason: str, id: str) -> bool:  # noqa: A002
    """Tell whether a runbook was suggested because of the incident; its title may be left out."""
    return any(reason == f"{use} {id}" or reason.startswith(f"{use} {id}: ") for use in _USES)


def _scrub_others(connection: Connection, tenant: str, id: str) -> None:  # noqa: A002
    as_written = to_json(id).decode()
    ways = (as_written, *(f'"{use} {as_written[1:-1]}' for use in _USES))
    answer = cast(PredictionRow.answer, Text)
    named = or_(*(answer.contains(way, autoescape=True) for way in ways))
    query = select_predictions(tenant).where(named)
    scrubbed = [_row(_scrub(prediction_from(row), id)) for row in connection.execute(query)]
    if scrubbed:
        connection.execute(
            update(PredictionRow).where(
                PredictionRow.tenant == tenant,
                PredictionRow.prediction_id == bindparam("of_prediction"),
                PredictionRow.target == bindparam("of_target"),
            ),
            scrubbed,
        )


def _scrub(record: PredictionRecord, id: str) -> PredictionRecord:  # noqa: A002
    answer = without_mentions(record.answer, id)
    if record.target != "similar":
        return replace(record, answer=answer)
    first: Mapping[str, Any] = next(iter(answer.get("similar", ())), {})
    return replace(
        record,
        answer=answer,
        label=first.get("id", ""),
        confidence=first.get("relatedness", 0.0),
        decision=record.decision if first else "abstain",
    )


def _row(record: PredictionRecord) -> dict[str, Any]:
    return {
        "of_prediction": record.prediction_id,
        "of_target": record.target,
        "label": record.label,
        "confidence": record.confidence,
        "decision": record.decision,
        "answer": record.answer,
    }

"""What a challenger would have answered, beside what the champion did answer."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, and_, delete, insert, select

from features.domain.labels import LabelRecord, LabelSource, strongest
from features.domain.predictions import ShadowPair, ShadowRecord
from features.store.learning.labels import select_labels
from features.store.learning_tables import ShadowRow
from features.store.tables import PredictionRow

_NAMES = tuple(field.name for field in fields(ShadowRecord))
_PAIR = (
    ShadowRow.incident_id,
    ShadowRow.answered_at,
    ShadowRow.label,
    ShadowRow.confidence,
    ShadowRow.decision,
    PredictionRow.model_version.label("champion_version"),
    PredictionRow.label.label("champion_label"),
    PredictionRow.confidence.label("champion_confidence"),
    PredictionRow.decision.label("champion_decision"),
)


def insert_shadows(connection: Connection, tenant: str, records: Sequence[ShadowRecord]) -> None:
    """Add the records, of which there is at least one."""
    rows = [{name: getattr(one, name) for name in _NAMES} | {"tenant": tenant} for one in records]
    connection.execute(insert(ShadowRow), rows)


def select_shadow_pairs(
    connection: Connection, tenant: str, target: str, version: str
) -> tuple[ShadowPair, ...]:
    """Return a challenger's answers with the champion's, oldest first."""
    same_answer = and_(
        PredictionRow.tenant == ShadowRow.tenant,
        PredictionRow.prediction_id == ShadowRow.prediction_id,
        PredictionRow.target == ShadowRow.target,
    )
    of_version = (ShadowRow.target == target, ShadowRow.version == version)
    query = (
        select(*_PAIR)
        .join(PredictionRow, same_answer)
        .where(ShadowRow.tenant == tenant, *of_version)
        .order_by(ShadowRow.answered_at, ShadowRow.prediction_id)
    )
    rows = connection.execute(query).mappings().all()
    truths = _truths(connection, tenant, target, {row["incident_id"] for row in rows})
    return tuple(ShadowPair(**dict(row), truth=truths.get(row["incident_id"])) for row in rows)


def delete_shadows(connection: Connection, tenant: str, incident_id: str) -> None:
    """Remove the silent answers about an incident."""
    about = (ShadowRow.tenant == tenant, ShadowRow.incident_id == incident_id)
    connection.execute(delete(ShadowRow).where(*about))


def _truths(
    connection: Connection, tenant: str, target: str, incident_ids: set[str]
) -> dict[str, str]:
    said: dict[str, list[LabelRecord]] = {}
    for label in select_labels(connection, tenant, target=target, incident_ids=incident_ids):
        said.setdefault(label.incident_id, []).append(label)
    found = {incident_id: strongest(labels) for incident_id, labels in said.items()}
    return {
        incident_id: label.label
        for incident_id, label in found.items()
        if label is not None and label.source is not LabelSource.SELF_CONFIRMED
    }

"""What a challenger would have answered, beside what the champion did answer."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, and_, delete, insert, select

from features.domain.labels import LabelRecord, LabelSource, strongest
from features.domain.predictions import ShadowPair, ShadowRecord
from features.store.learning.labels import select_labels
from features.store.repository import Repository
from features.store.tables import PredictionRow, ShadowRow

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
_SAME_ANSWER = and_(
    PredictionRow.tenant == ShadowRow.tenant,
    PredictionRow.prediction_id == ShadowRow.prediction_id,
    PredictionRow.target == ShadowRow.target,
)


class ShadowPredictionRepository(Repository):
    """What the challengers of one tenant would have answered."""

    def record(self, records: Sequence[ShadowRecord]) -> None:
        """Add what challengers would have answered, all or none."""
        if not records:
            return
        tenant = {"tenant": self._tenant}
        rows = [{name: getattr(record, name) for name in _NAMES} | tenant for record in records]
        with self._database.write() as connection:
            connection.execute(insert(ShadowRow), rows)

    def pairs(self, target: str, version: str) -> tuple[ShadowPair, ...]:
        """Return a challenger's answers beside the champion's, oldest first."""
        of_version = (ShadowRow.target == target, ShadowRow.version == version)
        query = (
            select(*_PAIR)
            .join(PredictionRow, _SAME_ANSWER)
            .where(ShadowRow.tenant == self._tenant, *of_version)
            .order_by(ShadowRow.answered_at, ShadowRow.prediction_id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            ids = {row["incident_id"] for row in rows}
            truths = _truths(connection, self._tenant, target, ids)
        return tuple(ShadowPair(**dict(row), truth=truths.get(row["incident_id"])) for row in rows)


def delete_shadows(connection: Connection, tenant: str, incident_id: str) -> None:
    """Remove the silent answers about an incident."""
    about = (ShadowRow.tenant == tenant, ShadowRow.incident_id == incident_id)
    connection.execute(delete(ShadowRow).where(*about))


def _truths(
    connection: Connection, tenant: str, target: str, incident_ids: set[str]
) -> dict[str, str]:
    by_incident: dict[str, list[LabelRecord]] = {}
    for label in select_labels(connection, tenant, target=target, incident_ids=incident_ids):
        by_incident.setdefault(label.incident_id, []).append(label)
    truths = {incident_id: strongest(labels) for incident_id, labels in by_incident.items()}
    return {
        incident_id: label.label
        for incident_id, label in truths.items()
        if label is not None and label.source is not LabelSource.SELF_CONFIRMED
    }

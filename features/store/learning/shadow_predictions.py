"""The repository of challengers' answers, which can be compared with the champion's."""

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
    """The answers of one tenant's challengers."""

    def record(self, records: Sequence[ShadowRecord]) -> None:
        """Add challengers' answers in one transaction."""
        if not records:
            return
        rows = [
            {name: getattr(record, name) for name in _NAMES} | {"tenant": self._tenant}
            for record in records
        ]
        with self._database.write() as connection:
            connection.execute(insert(ShadowRow), rows)

    def pairs(self, target: str, version: str) -> tuple[ShadowPair, ...]:
        """Return a challenger's answers with the champion's, oldest first."""
        query = (
            select(*_PAIR)
            .join(PredictionRow, _SAME_ANSWER)
            .where(
                ShadowRow.tenant == self._tenant,
                ShadowRow.target == target,
                ShadowRow.version == version,
            )
            .order_by(ShadowRow.answered_at, ShadowRow.prediction_id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            incident_ids = {row["incident_id"] for row in rows}
            truths = _truths(connection, self._tenant, target, incident_ids)
        return tuple(ShadowPair(**dict(row), truth=truths.get(row["incident_id"])) for row in rows)


def delete_shadows(connection: Connection, tenant: str, incident_id: str) -> None:
    """Delete the challengers' answers about an incident."""
    is_about = (ShadowRow.tenant == tenant, ShadowRow.incident_id == incident_id)
    connection.execute(delete(ShadowRow).where(*is_about))


def _truths(
    connection: Connection, tenant: str, target: str, incident_ids: set[str]
) -> dict[str, str]:
    """Return the strongest label by incident id, without labels that are self-confirmed."""
    records: dict[str, list[LabelRecord]] = {}
    for record in select_labels(connection, tenant, target=target, incident_ids=incident_ids):
        records.setdefault(record.incident_id, []).append(record)
    best = {incident_id: strongest(group) for incident_id, group in records.items()}
    return {
        incident_id: record.label
        for incident_id, record in best.items()
        if record is not None and record.source is not LabelSource.SELF_CONFIRMED
    }

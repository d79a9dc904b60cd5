"""What a mapping said of a history and the incidents' rows do not hold, kept for training again."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, select

from features.domain.history import DatasetMetadata, PriorityMatrix, Provenance
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import DatasetMetadataRow


class DatasetMetadataRepository(Repository):
    """The facts of the history that a tenant trained on last."""

    def save(self, facts: DatasetMetadata) -> None:
        """Keep the facts in place of those before."""
        with self._database.write() as connection:
            _upsert(connection, self._tenant, facts)

    def get(self) -> DatasetMetadata | None:
        """Return the facts, None before any history was trained on."""
        with self._database.read() as connection:
            return _select(connection, self._tenant)


def erase_in_dataset_metadata(connection: Connection, tenant: str, incident_id: str) -> None:
    """Take an incident out of the groups."""
    facts = _select(connection, tenant)
    if facts is not None and incident_id in facts.groups:
        groups = {id_: group for id_, group in facts.groups.items() if id_ != incident_id}
        _upsert(connection, tenant, replace(facts, groups=groups))


def _upsert(connection: Connection, tenant: str, facts: DatasetMetadata) -> None:
    new = {"facts": _to_json(facts)}
    statement = insert_into(connection, DatasetMetadataRow).values({"tenant": tenant} | new)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=new))


def _select(connection: Connection, tenant: str) -> DatasetMetadata | None:
    query = select(DatasetMetadataRow.facts).where(DatasetMetadataRow.tenant == tenant)
    stored = connection.scalar(query)
    return None if stored is None else _from_json(stored)


def _to_json(facts: DatasetMetadata) -> dict[str, Any]:
    matrix = facts.priority_matrix
    # An object's keys are texts, and a cell's key is a pair of them.
    cells = None if matrix is None else [[*pair, level] for pair, level in matrix.cells.items()]
    learned = matrix is not None and matrix.is_learned
    return asdict(replace(facts, priority_matrix=None)) | {
        "priority_matrix": cells,
        "is_learned": learned,
    }


def _from_json(kept: Mapping[str, Any]) -> DatasetMetadata:
    cells = kept["priority_matrix"]
    matrix = None
    if cells is not None:
        pairs = {(impact, urgency): level for impact, urgency, level in cells}
        matrix = PriorityMatrix(pairs, is_learned=kept["is_learned"])
    return DatasetMetadata(
        severity_levels=tuple(kept["severity_levels"]),
        field_levels={name: tuple(levels) for name, levels in kept["field_levels"].items()},
        priority_matrix=matrix,
        groups=kept["groups"],
        provenance={name: Provenance(when) for name, when in kept["provenance"].items()},
        sha256=kept["sha256"],
    )

"""The repository of dataset metadata: facts about a history that its incidents do not contain.

The facts come from the history's file and mapping. They are stored so that models can be trained
again from the store.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, select

from features.domain.history import DatasetMetadata, PriorityMatrix, Provenance
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import DatasetMetadataRow


class DatasetMetadataRepository(Repository):
    """The metadata of the history that a tenant trained on last."""

    def save(self, metadata: DatasetMetadata) -> None:
        """Store the metadata in place of the former one."""
        with self._database.write() as connection:
            _upsert(connection, self._tenant, metadata)

    def get(self) -> DatasetMetadata | None:
        """Return the metadata, None before the first training."""
        with self._database.read() as connection:
            return _select(connection, self._tenant)


def erase_in_dataset_metadata(connection: Connection, tenant: str, incident_id: str) -> None:
    """Remove an incident from the groups."""
    metadata = _select(connection, tenant)
    if metadata is not None and incident_id in metadata.groups:
        groups = {id_: group for id_, group in metadata.groups.items() if id_ != incident_id}
        _upsert(connection, tenant, replace(metadata, groups=groups))


def _upsert(connection: Connection, tenant: str, metadata: DatasetMetadata) -> None:
    columns = {"facts": _to_json(metadata)}
    statement = insert_into(connection, DatasetMetadataRow).values({"tenant": tenant} | columns)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=columns))


def _select(connection: Connection, tenant: str) -> DatasetMetadata | None:
    query = select(DatasetMetadataRow.facts).where(DatasetMetadataRow.tenant == tenant)
    document = connection.scalar(query)
    return None if document is None else _from_json(document)


def _to_json(metadata: DatasetMetadata) -> dict[str, Any]:
    matrix = metadata.priority_matrix
    # The key of a cell is a pair, and JSON has only texts as keys: so cells become triples.
    cells = None if matrix is None else [[*pair, level] for pair, level in matrix.cells.items()]
    is_learned = matrix is not None and matrix.is_learned
    return asdict(replace(metadata, priority_matrix=None)) | {
        "priority_matrix": cells,
        "is_learned": is_learned,
    }


def _from_json(document: Mapping[str, Any]) -> DatasetMetadata:
    cells = document["priority_matrix"]
    matrix = None
    if cells is not None:
        pairs = {(impact, urgency): level for impact, urgency, level in cells}
        matrix = PriorityMatrix(pairs, is_learned=document["is_learned"])
    provenance = document["provenance"]
    return DatasetMetadata(
        severity_levels=tuple(document["severity_levels"]),
        field_levels={name: tuple(levels) for name, levels in document["field_levels"].items()},
        priority_matrix=matrix,
        groups=document["groups"],
        provenance={column: Provenance(value) for column, value in provenance.items()},
        sha256=document["sha256"],
        # Metadata that an earlier version stored has no renames.
        renamed=document.get("renamed", {}),
    )

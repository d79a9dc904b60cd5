"""What a mapping said of a history and the incidents' rows do not hold, kept for training again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from sqlalchemy import Connection, select

from features.domain.history import History, PriorityMatrix, Provenance
from features.store.database import insert_into
from features.store.learning_tables import DatasetMetadataRow


@dataclass(frozen=True, slots=True)
class DatasetMetadata:
    """The facts of the history that was trained on last, named as in `History`.

    `groups` holds the value of the mapping's `split_by` column by incident id.
    """

    severity_levels: tuple[str, ...] = ()
    field_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    priority_matrix: PriorityMatrix | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    sha256: str = ""

    @classmethod
    def of(cls, history: History) -> Self:
        """Return the facts of a history."""
        ids = (one.report.id for one in history.incidents)
        return cls(
            severity_levels=history.severity_levels,
            field_levels=dict(history.field_levels),
            priority_matrix=history.priority_matrix,
            groups=dict(zip(ids, history.groups, strict=True)) if history.groups else {},
            provenance=dict(history.provenance),
            sha256=history.sha256,
        )


def upsert_dataset_metadata(connection: Connection, tenant: str, facts: DatasetMetadata) -> None:
    """Keep the facts in place of those before."""
    new = {"facts": _to_json(facts)}
    statement = insert_into(connection, DatasetMetadataRow).values({"tenant": tenant} | new)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=new))


def select_dataset_metadata(connection: Connection, tenant: str) -> DatasetMetadata | None:
    """Return the facts, None before any history was trained on."""
    query = select(DatasetMetadataRow.facts).where(DatasetMetadataRow.tenant == tenant)
    found = connection.scalar(query)
    return None if found is None else _from_json(found)


def erase_in_dataset_metadata(connection: Connection, tenant: str, incident_id: str) -> None:
    """Take an incident out of the groups."""
    facts = select_dataset_metadata(connection, tenant)
    if facts is not None and incident_id in facts.groups:
        groups = {id_: group for id_, group in facts.groups.items() if id_ != incident_id}
        upsert_dataset_metadata(connection, tenant, replace(facts, groups=groups))


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

"""The SQL of incidents: the record as rows, each with the revision that last changed it."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, cast, delete, or_, select

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.database import insert_into
from features.store.tables import DeletionRow, IncidentRow

_REPORT = tuple(field.name for field in fields(IncidentReport))
_OUTCOME = tuple(field.name for field in fields(Outcome))
_LAST_CHARACTER = "\U0010ffff"
_COLUMNS = tuple(IncidentRow.__table__.c[name] for name in _REPORT + _OUTCOME)


def select_incidents(tenant: str) -> Select[Any]:
    """Return the query of a tenant's incidents; `incident_from` reads its rows."""
    return select(*_COLUMNS).where(IncidentRow.tenant == tenant)


def select_begun_with(tenant: str, prefix: str) -> Select[Any]:
    """Return the query of the incidents whose ids begin so, last id first."""
    begins = (IncidentRow.id >= prefix, IncidentRow.id <= prefix + _LAST_CHARACTER)
    return select_incidents(tenant).where(*begins).order_by(IncidentRow.id.desc())


def incident_from(row: Row[Any]) -> ResolvedIncident:
    """Return the record that a row of `select_incidents` holds."""
    report, outcome = row[: len(_REPORT)], row[len(_REPORT) :]
    return ResolvedIncident(IncidentReport(*report), Outcome(*outcome))


def upsert_incidents(
    connection: Connection, tenant: str, incidents: Sequence[ResolvedIncident], revision: int
) -> None:
    """Write the incidents; a row that would not change keeps the revision that it has."""
    rows = [_row(incident) | {"tenant": tenant, "revision": revision} for incident in incidents]
    statement = insert_into(connection, IncidentRow)
    new = {name: statement.excluded[name] for name in rows[0]}
    old = IncidentRow.__table__.c
    differs = (
        # PostgreSQL cannot compare JSON, but its text.
        cast(old[name], Text).is_distinct_from(cast(new[name], Text))
        for name in _REPORT + _OUTCOME
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "id"], set_=new, where=or_(*differs)
        ),
        rows,
    )
    written = select(IncidentRow.id).where(
        IncidentRow.tenant == tenant, IncidentRow.revision == revision
    )
    connection.execute(
        delete(DeletionRow).where(DeletionRow.tenant == tenant, DeletionRow.id.in_(written))
    )


def delete_incident(connection: Connection, tenant: str, id: str, revision: int) -> bool:  # noqa: A002
    """Remove the row and note its id; False when there is none."""
    found = connection.execute(
        delete(IncidentRow).where(IncidentRow.tenant == tenant, IncidentRow.id == id)
    ).rowcount
    if found:
        row = {"tenant": tenant, "id": id, "revision": revision}
        connection.execute(insert_into(connection, DeletionRow).values(row))
    return bool(found)


def _row(incident: ResolvedIncident) -> dict[str, Any]:
    report, outcome = incident.report, incident.outcome
    row = {name: getattr(report, name) for name in _REPORT}
    row |= {name: getattr(outcome, name) for name in _OUTCOME}
    row |= {"attributes": dict(report.attributes), "fields": dict(outcome.fields)}
    return row | {"resolved": not outcome.is_open}

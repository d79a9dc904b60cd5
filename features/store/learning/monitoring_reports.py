"""What a look at the models in production found: measures, alarms and proposals, kept as JSON."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update

from features.domain.monitoring import MonitoringReport
from features.store.database import insert_into
from features.store.learning_tables import MonitoringReportRow

_ADAPTER = TypeAdapter(MonitoringReport)


def upsert_monitoring(connection: Connection, tenant: str, monitoring: MonitoringReport) -> None:
    """Keep what was found, in place of what was found at the same time."""
    key = {"tenant": tenant, "at": monitoring.at}
    new = {"found": _json(monitoring)}
    statement = insert_into(connection, MonitoringReportRow).values(key | new)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))


def select_latest_monitoring(connection: Connection, tenant: str) -> MonitoringReport | None:
    """Return what the last look found, None before the first."""
    query = (
        select(MonitoringReportRow.found)
        .where(MonitoringReportRow.tenant == tenant)
        .order_by(MonitoringReportRow.at.desc())
        .limit(1)
    )
    found = connection.scalar(query)
    return None if found is None else _ADAPTER.validate_python(found)


def forget_in_monitoring(connection: Connection, tenant: str, incident_id: str) -> None:
    """Take an incident out of the examples of everything that was found."""
    query = select(MonitoringReportRow.at, MonitoringReportRow.found).where(
        MonitoringReportRow.tenant == tenant
    )
    for at, found in connection.execute(query).all():
        kept = _ADAPTER.validate_python(found)
        if (rid := kept.without(incident_id)) != kept:
            same = (MonitoringReportRow.tenant == tenant, MonitoringReportRow.at == at)
            connection.execute(update(MonitoringReportRow).where(*same).values(found=_json(rid)))


def _json(monitoring: MonitoringReport) -> dict[str, Any]:
    found: dict[str, Any] = _ADAPTER.dump_python(monitoring, mode="json")
    return found

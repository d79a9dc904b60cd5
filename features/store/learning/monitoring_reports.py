"""What a look at the models in production found: measures, alarms and proposals, kept as JSON."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update

from features.domain.monitoring import MonitoringReport
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import MonitoringReportRow


class MonitoringReportRepository(Repository):
    """The reports on one tenant's models in production."""

    def save(self, report: MonitoringReport) -> None:
        """Keep a report, in place of one of the same time."""
        key = {"tenant": self._tenant, "at": report.at}
        new = {"found": _json(report)}
        with self._database.write() as connection:
            statement = insert_into(connection, MonitoringReportRow).values(key | new)
            connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))

    def latest(self) -> MonitoringReport | None:
        """Return the last report, None before the first."""
        query = (
            select(MonitoringReportRow.found)
            .where(MonitoringReportRow.tenant == self._tenant)
            .order_by(MonitoringReportRow.at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            stored = connection.scalar(query)
        return None if stored is None else _adapter().validate_python(stored)


def erase_in_monitoring(connection: Connection, tenant: str, incident_id: str) -> None:
    """Take an incident out of the examples of every report."""
    query = select(MonitoringReportRow.at, MonitoringReportRow.found).where(
        MonitoringReportRow.tenant == tenant
    )
    for at, stored in connection.execute(query).all():
        report = _adapter().validate_python(stored)
        if (scrubbed := report.without_incident(incident_id)) != report:
            same = (MonitoringReportRow.tenant == tenant, MonitoringReportRow.at == at)
            new = {"found": _json(scrubbed)}
            connection.execute(update(MonitoringReportRow).where(*same).values(new))


@cache
def _adapter() -> TypeAdapter[MonitoringReport]:
    # Building it takes longer than reading the audit log.
    return TypeAdapter(MonitoringReport)


def _json(report: MonitoringReport) -> dict[str, Any]:
    columns: dict[str, Any] = _adapter().dump_python(report, mode="json")
    return columns

"""The repository of monitoring reports, which are stored as JSON."""

from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update

from features.domain.monitoring import MonitoringReport
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import MonitoringReportRow


class MonitoringReportRepository(Repository):
    """The monitoring reports of one tenant."""

    def save(self, report: MonitoringReport) -> None:
        """Store a report, in place of a report of the same time."""
        key = {"tenant": self._tenant, "at": report.at}
        new = {"found": _json(report)}
        with self._database.write() as connection:
            statement = insert_into(connection, MonitoringReportRow).values(key | new)
            connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))

    def latest(self) -> MonitoringReport | None:
        """Return the latest report, None if there is none yet."""
        query = (
            select(MonitoringReportRow.found)
            .where(MonitoringReportRow.tenant == self._tenant)
            .order_by(MonitoringReportRow.at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            document = connection.scalar(query)
        return None if document is None else _adapter().validate_python(document)

    def since(self, moment: datetime) -> tuple[MonitoringReport, ...]:
        """Return the reports made at this moment or later, oldest first."""
        query = (
            select(MonitoringReportRow.found)
            .where(MonitoringReportRow.tenant == self._tenant, MonitoringReportRow.at >= moment)
            .order_by(MonitoringReportRow.at)
        )
        with self._database.read() as connection:
            documents = connection.scalars(query).all()
        return tuple(_adapter().validate_python(document) for document in documents)


def erase_in_monitoring(connection: Connection, tenant: str, incident_id: str) -> None:
    """Remove an incident from the examples of every report."""
    query = select(MonitoringReportRow.at, MonitoringReportRow.found).where(
        MonitoringReportRow.tenant == tenant
    )
    for at, document in connection.execute(query).all():
        report = _adapter().validate_python(document)
        if (erased := report.without_incident(incident_id)) != report:
            is_report = (MonitoringReportRow.tenant == tenant, MonitoringReportRow.at == at)
            new = {"found": _json(erased)}
            connection.execute(update(MonitoringReportRow).where(*is_report).values(new))


@cache
def _adapter() -> TypeAdapter[MonitoringReport]:
    # Cached, because building the adapter takes long.
    return TypeAdapter(MonitoringReport)


def _json(report: MonitoringReport) -> dict[str, Any]:
    document: dict[str, Any] = _adapter().dump_python(report, mode="json")
    return document

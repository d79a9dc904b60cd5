"""What surrounds incidents as a whole: whether there is any of it, and how long it is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from features.store.incidents.anomalies import delete_anomalies
from features.store.incidents.changes import delete_changes
from features.store.repository import Repository
from features.store.tables import AnomalyRow, ChangeRow, SeriesRow

# A year and some weeks: long enough to look back at the same season.
TELEMETRY_KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class RecordedTelemetry:
    """What the store knows at all: whether any change, and whether series were ever watched."""

    changes: bool
    anomalies: bool


class TelemetryRepository(Repository):
    """The changes and anomalies of one tenant together."""

    def recorded(self) -> RecordedTelemetry:
        """Tell cheaply whether there is anything to look for."""
        tables = (ChangeRow, AnomalyRow, SeriesRow)
        query = select(*(exists().where(table.tenant == self._tenant) for table in tables))
        with self._database.read() as connection:
            row = connection.execute(query).one()
        return RecordedTelemetry(changes=bool(row[0]), anomalies=bool(row[1]) or bool(row[2]))

    def delete_before(self, moment: datetime) -> int:
        """Remove the changes and the anomalies that began before; tell how many there were."""
        with self._database.write() as connection:
            changes = delete_changes(connection, self._tenant, moment)
            return changes + delete_anomalies(connection, self._tenant, moment)

"""Changes and anomalies together: whether any are recorded, and how long they are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, select

from features.store.incidents.anomalies import delete_anomalies
from features.store.incidents.breach_warnings import delete_breach_warnings
from features.store.incidents.changes import delete_changes
from features.store.incidents.series_routines import delete_series_routines
from features.store.repository import Repository
from features.store.tables import AnomalyRow, ChangeRow, SeriesRow

# A year and some weeks, so that the same season of the previous year is available.
TELEMETRY_KEPT = timedelta(days=400)
_RECORDED = select(
    *(
        exists().where(table.tenant == bindparam("tenant"))
        for table in (ChangeRow, AnomalyRow, SeriesRow)
    )
)


@dataclass(frozen=True, slots=True)
class RecordedTelemetry:
    """Whether the store has any changes, and whether it has anomalies or watched series."""

    changes: bool
    anomalies: bool


class TelemetryRepository(Repository):
    """The changes and anomalies of one tenant together."""

    def recorded(self) -> RecordedTelemetry:
        """Return which kinds of telemetry are recorded, by a fast query."""
        with self._database.read() as connection:
            row = connection.execute(_RECORDED, {"tenant": self._tenant}).one()
        return RecordedTelemetry(changes=bool(row[0]), anomalies=bool(row[1]) or bool(row[2]))

    def delete_before(self, moment: datetime) -> int:
        """Delete changes, anomalies, warnings and ended routines before a time; return how many."""
        with self._database.write() as connection:
            changes = delete_changes(connection, self._tenant, moment)
            warnings = delete_breach_warnings(connection, self._tenant, moment)
            routines = delete_series_routines(connection, self._tenant, moment)
            anomalies = delete_anomalies(connection, self._tenant, moment)
            return changes + warnings + routines + anomalies

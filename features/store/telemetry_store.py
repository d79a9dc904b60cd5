"""The part of the store that surrounds incidents: changes, anomalies of series, and who watches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from features.domain.change import Change
from features.domain.series_anomaly import SeriesAnomaly
from features.store.database import Database
from features.store.incidents.changes import delete_changes, select_changes, upsert_changes
from features.store.incidents.telemetry import (
    StoredSeries,
    delete_anomalies,
    delete_series,
    select_anomalies,
    select_anomalies_by_id,
    select_series,
    upsert_anomalies,
    upsert_series,
)
from features.store.operations.leases import delete_lease, select_holder, upsert_lease
from features.store.tables import AnomalyRow, ChangeRow, SeriesRow

# A year and some weeks: long enough to look back at the same season.
TELEMETRY_KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the store knows at all: whether any change, and whether series were ever watched."""

    changes: bool
    anomalies: bool


class TelemetryStore:
    """The changes and series of one tenant, in the database that its incidents are in.

    None of this moves the incidents' revision, for it is not searched. Every method raises
    `StoreUnavailable` as those of `IncidentStore` do.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    def recorded(self) -> Recorded:
        """Tell cheaply whether there is anything to look for."""
        tables = (ChangeRow, AnomalyRow, SeriesRow)
        found = [exists().where(table.tenant == self._tenant) for table in tables]
        with self._database.read() as connection:
            row = connection.execute(select(*found)).one()
        return Recorded(changes=bool(row[0]), anomalies=bool(row[1]) or bool(row[2]))

    def record_changes(self, changes: Sequence[Change]) -> None:
        """Add or replace the changes by id, all or none."""
        if not changes:
            return
        with self._database.write() as connection:
            upsert_changes(connection, self._tenant, changes)

    def changes_between(
        self, start: datetime, end: datetime, services: Collection[str] | None = None
    ) -> tuple[Change, ...]:
        """Return the changes from start to end, both included, oldest first.

        With `services` only those on one of them, whatever the case of their names.
        """
        with self._database.read() as connection:
            return select_changes(connection, self._tenant, start, end, services)

    def record_anomalies(self, anomalies: Sequence[SeriesAnomaly]) -> None:
        """Add or replace the anomalies by id, all or none."""
        if not anomalies:
            return
        with self._database.write() as connection:
            upsert_anomalies(connection, self._tenant, anomalies)

    def anomalies_between(
        self, start: datetime, end: datetime, *, with_points: bool = True
    ) -> tuple[SeriesAnomaly, ...]:
        """Return the anomalies that lasted at some time from start to end, by onset.

        Without points their windows come back empty, which reads many times as fast.
        """
        with self._database.read() as connection:
            return select_anomalies(connection, self._tenant, start, end, with_points=with_points)

    def find_anomalies(self, ids: Collection[str]) -> Mapping[str, SeriesAnomaly]:
        """Return those of the anomalies that exist, by id."""
        with self._database.read() as connection:
            return select_anomalies_by_id(connection, self._tenant, ids)

    def series_states(self, watch: str) -> Mapping[str, StoredSeries]:
        """Return what a watch remembers of its series, by key."""
        with self._database.read() as connection:
            return select_series(connection, self._tenant, watch)

    def save_series(self, watch: str, series: Sequence[StoredSeries]) -> None:
        """Add or replace what a watch remembers of the series, all or none."""
        if not series:
            return
        with self._database.write() as connection:
            upsert_series(connection, self._tenant, watch, series)

    def forget_series(self, watch: str, keys: Iterable[str]) -> None:
        """Forget the series of a watch that have these keys."""
        with self._database.write() as connection:
            delete_series(connection, self._tenant, watch, keys)

    def forget_telemetry(self, before: datetime) -> int:
        """Remove the changes and the anomalies that began before; tell how many there were."""
        with self._database.write() as connection:
            changes = delete_changes(connection, self._tenant, before)
            return changes + delete_anomalies(connection, self._tenant, before)

    def take_lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or prolong a lease for so long; False when somebody else holds it."""
        with self._database.write() as connection:
            return upsert_lease(connection, self._tenant, name, holder, seconds)

    def lease_holder(self, name: str) -> str | None:
        """Return who holds a lease now, None if nobody does."""
        with self._database.read() as connection:
            return select_holder(connection, self._tenant, name)

    def release_lease(self, name: str, holder: str) -> None:
        """Give a lease back; one that somebody else holds by now stays theirs."""
        with self._database.write() as connection:
            delete_lease(connection, self._tenant, name, holder)

"""The repository of series states, from which a watch continues where it stopped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import delete, select

from features.store.repository import Repository
from features.store.tables import SeriesRow
from features.store.upserts import upsert_into


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """The detector's state of a series, and the time until which the watch has read the series.

    `key` names the series within its watch. `layout` names the format of `state`, so that another
    version of the detector can check whether it can read the state. `seen_until` is aware UTC.
    """

    key: str
    labels: Mapping[str, str]
    tier: str
    step_seconds: int
    layout: str
    seen_until: datetime
    state: bytes


_NAMES = tuple(field.name for field in fields(StoredSeries))
_COLUMNS = tuple(SeriesRow.__table__.c[name] for name in _NAMES)


class SeriesStateRepository(Repository):
    """The series states of one tenant's watches."""

    def of_watch(self, watch: str) -> Mapping[str, StoredSeries]:
        """Return the states of a watch's series, by key."""
        query = select(*_COLUMNS).where(SeriesRow.tenant == self._tenant, SeriesRow.watch == watch)
        with self._database.read() as connection:
            return {row.key: StoredSeries(*row) for row in connection.execute(query)}

    def save(self, watch: str, series: Sequence[StoredSeries]) -> None:
        """Add or replace the states of a watch's series by key, in one transaction."""
        if not series:
            return
        rows = [
            {name: getattr(state, name) for name in _NAMES}
            | {"tenant": self._tenant, "watch": watch, "labels": dict(state.labels)}
            for state in series
        ]
        key = ("tenant", "watch", "key")
        with self._database.write() as connection:
            connection.execute(upsert_into(connection, SeriesRow, key, _NAMES), rows)

    def delete(self, watch: str, keys: Iterable[str]) -> None:
        """Delete the states of the series of a watch that have these keys."""
        of_watch = (SeriesRow.tenant == self._tenant, SeriesRow.watch == watch)
        with self._database.write() as connection:
            connection.execute(delete(SeriesRow).where(*of_watch, SeriesRow.key.in_(set(keys))))

"""The repository of routines of watched series: written by the watch, revoked by people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, Select, delete, func, select, tuple_, update

from features.domain.telemetry.series_routine import SeriesRoutine
from features.store.repository import Repository
from features.store.tables import SeriesRoutineRow
from features.store.upserts import upsert_into

_NAMES = tuple(field.name for field in fields(SeriesRoutine))
_REVOKED = ("revoked_at", "revoked_by")


@dataclass(frozen=True, slots=True)
class RoutineCursor:
    """The position after the last routine of a page, where the next page begins."""

    learned_at: datetime
    id: str

    @classmethod
    def after(cls, routine: SeriesRoutine) -> Self:
        """Return the position after a routine."""
        return cls(routine.learned_at, routine.id)


class SeriesRoutineRepository(Repository):
    """The routines of one tenant."""

    def record(self, routines: Sequence[SeriesRoutine]) -> None:
        """Add or replace routines by id, in one transaction; whether one is revoked stays."""
        if not routines:
            return
        with self._database.write() as connection:
            names = tuple(name for name in _NAMES if name not in _REVOKED)
            connection.execute(
                upsert_into(connection, SeriesRoutineRow, ("tenant", "id"), names),
                [asdict(routine) | {"tenant": self._tenant} for routine in routines],
            )

    def get(self, routine_id: str) -> SeriesRoutine | None:
        """Return a routine, None if there is none with this id."""
        return next(
            iter(self._select(_query(self._tenant, SeriesRoutineRow.id == routine_id))), None
        )

    def all(self) -> tuple[SeriesRoutine, ...]:
        """Return every routine, also those that ended, the newest first."""
        return self._select(_query(self._tenant))

    def revoked(self) -> tuple[SeriesRoutine, ...]:
        """Return the routines that are revoked, the newest first, by a fast query."""
        return self._select(_query(self._tenant, SeriesRoutineRow.revoked_at.is_not(None)))

    def learned_since(self, start: datetime, limit: int) -> tuple[SeriesRoutine, ...]:
        """Return the newest routines that were announced since then and have not ended."""
        return self._select(_query(self._tenant, *_announced_since(start)).limit(limit))

    def count_since(self, start: datetime) -> int:
        """Count the routines that were announced since then and have not ended."""
        query = select(func.count()).where(
            SeriesRoutineRow.tenant == self._tenant, *_announced_since(start)
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def page(self, limit: int, before: RoutineCursor | None = None) -> tuple[SeriesRoutine, ...]:
        """Return routines, the newest first, at most `limit` after a cursor."""
        place = tuple_(SeriesRoutineRow.learned_at, SeriesRoutineRow.id)
        later = () if before is None else (place < tuple_(before.learned_at, before.id),)
        return self._select(_query(self._tenant, *later).limit(limit))

    def revoke(self, routine_id: str, by: str, now: datetime) -> None:
        """Store that a person revoked a routine."""
        self._change(routine_id, {"revoked_at": now, "revoked_by": by})

    def restore(self, routine_id: str, now: datetime) -> None:
        """Store that a routine is revoked no more; it has ended until it is learned again."""
        self._change(routine_id, {"revoked_at": None, "revoked_by": None, "ended_at": now})

    def _change(self, routine_id: str, values: dict[str, Any]) -> None:
        is_one = (SeriesRoutineRow.tenant == self._tenant, SeriesRoutineRow.id == routine_id)
        with self._database.write() as connection:
            connection.execute(update(SeriesRoutineRow).where(*is_one).values(values))

    def _select(self, query: Select[Any]) -> tuple[SeriesRoutine, ...]:
        with self._database.read() as connection:
            return tuple(SeriesRoutine(**row._mapping) for row in connection.execute(query))


def delete_series_routines(connection: Connection, tenant: str, before: datetime) -> int:
    """Delete the routines that ended before a time, and return how many there were."""
    deletion = delete(SeriesRoutineRow).where(
        SeriesRoutineRow.tenant == tenant, SeriesRoutineRow.ended_at < before
    )
    return connection.execute(deletion).rowcount


def _query(tenant: str, *conditions: Any) -> Select[Any]:  # noqa: ANN401
    return (
        select(*(SeriesRoutineRow.__table__.c[name] for name in _NAMES))
        .where(SeriesRoutineRow.tenant == tenant, *conditions)
        .order_by(SeriesRoutineRow.learned_at.desc(), SeriesRoutineRow.id.desc())
    )


def _announced_since(start: datetime) -> tuple[Any, ...]:
    return SeriesRoutineRow.learned_at >= start, SeriesRoutineRow.ended_at.is_(None)

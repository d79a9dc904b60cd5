"""The repository of heartbeats."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from features.domain.alerts.heartbeat import Heartbeat
from features.store.counters import lock_tenant
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import HeartbeatRow


class HeartbeatRepository(Repository):
    """The alerts of one tenant that must always fire, by name."""

    def record(self, name: str, now: datetime, *, is_ended: bool) -> None:
        """Record that an alert was heard of, firing or ended."""
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            row = connection.execute(self._query().where(HeartbeatRow.name == name)).one_or_none()
            known = None if row is None else Heartbeat(*row)
            new = (
                Heartbeat(name, now, is_ended=is_ended)
                if known is None
                else known.heard(now, is_ended=is_ended)
            )
            values = {
                "last_seen_at": new.last_seen_at,
                "interval_seconds": new.interval_seconds,
                "is_ended": new.is_ended,
            }
            statement = insert_into(connection, HeartbeatRow).values(
                tenant=self._tenant, name=name, **values
            )
            connection.execute(
                statement.on_conflict_do_update(index_elements=["tenant", "name"], set_=values)
            )

    def silent(self, now: datetime) -> tuple[Heartbeat, ...]:
        """Return the heartbeats that are silent, by name."""
        with self._database.read() as connection:
            rows = connection.execute(self._query().order_by(HeartbeatRow.name))
            return tuple(beat for row in rows if (beat := Heartbeat(*row)).is_silent(now))

    def _query(self) -> Select[Any, Any, Any, Any]:
        return select(
            HeartbeatRow.name,
            HeartbeatRow.last_seen_at,
            HeartbeatRow.interval_seconds,
            HeartbeatRow.is_ended,
        ).where(HeartbeatRow.tenant == self._tenant)

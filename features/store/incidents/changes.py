"""The repository of changes to services: written by id, read by time and service."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from features.domain.telemetry.change import Change
from features.domain.telemetry.topology import service_key
from features.store.repository import Repository
from features.store.tables import ChangeRow
from features.store.upserts import upsert_into

_NAMES = tuple(field.name for field in fields(Change))
# Built once: most of a short query's time is spent on building it.
_BETWEEN = (
    select(*(ChangeRow.__table__.c[name] for name in _NAMES))
    .where(
        ChangeRow.tenant == bindparam("tenant"),
        ChangeRow.at >= bindparam("start"),
        ChangeRow.at <= bindparam("end"),
    )
    .order_by(ChangeRow.at, ChangeRow.id)
)
_BETWEEN_OF_SERVICES = _BETWEEN.where(
    ChangeRow.service_key.in_(bindparam("service_keys", expanding=True))
)


class ChangeRepository(Repository):
    """The changes of one tenant.

    A write does not increase the incidents' revision, since changes are not indexed.
    """

    def record(self, changes: Sequence[Change]) -> None:
        """Add or replace the changes by id, in one transaction."""
        if not changes:
            return
        with self._database.write() as connection:
            connection.execute(
                upsert_into(connection, ChangeRow, ("tenant", "id"), (*_NAMES, "service_key")),
                [_row(self._tenant, change) for change in changes],
            )

    def between(
        self, start: datetime, end: datetime, services: Collection[str] | None = None
    ) -> tuple[Change, ...]:
        """Return the changes from start to end, both included, oldest first.

        With `services`, only changes to these services are returned; case does not matter.
        """
        asked: dict[str, Any] = {"tenant": self._tenant, "start": start, "end": end}
        query = _BETWEEN
        if services is not None:
            query = _BETWEEN_OF_SERVICES
            asked["service_keys"] = list({service_key(service) for service in services})
        with self._database.read() as connection:
            return tuple(Change(*row) for row in connection.execute(query, asked))


def delete_changes(connection: Connection, tenant: str, before: datetime) -> int:
    """Delete the changes made before a time, and return how many there were."""
    deletion = delete(ChangeRow).where(ChangeRow.tenant == tenant, ChangeRow.at < before)
    return connection.execute(deletion).rowcount


def _row(tenant: str, change: Change) -> dict[str, Any]:
    row = {name: getattr(change, name) for name in _NAMES}
    key = None if change.service is None else service_key(change.service)
    return row | {"tenant": tenant, "service_key": key, "attributes": dict(change.attributes)}

"""The repository of suspensions: the versions whose answers all abstain."""

from dataclasses import asdict, fields

from sqlalchemy import delete, select

from features.domain.suspension import Suspension
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import SuspensionRow

_COLUMNS = tuple(SuspensionRow.__table__.c[field.name] for field in fields(Suspension))


class SuspensionRepository(Repository):
    """The suspensions in force of one tenant; the audit log has the earlier ones."""

    def record(self, suspension: Suspension) -> bool:
        """Store a suspension; False if the version was already suspended."""
        row = asdict(suspension) | {"tenant": self._tenant}
        with self._database.write() as connection:
            statement = insert_into(connection, SuspensionRow).values(row).on_conflict_do_nothing()
            inserted_row = connection.execute(statement.returning(SuspensionRow.version))
            return inserted_row.one_or_none() is not None

    def lift(self, target: str, version: str) -> bool:
        """Remove the suspension of a version; False if it was not suspended."""
        is_meant = (
            SuspensionRow.tenant == self._tenant,
            SuspensionRow.target == target,
            SuspensionRow.version == version,
        )
        with self._database.write() as connection:
            return connection.execute(delete(SuspensionRow).where(*is_meant)).rowcount > 0

    def all(self) -> tuple[Suspension, ...]:
        """Return every suspension in force, by target and version."""
        query = (
            select(*_COLUMNS)
            .where(SuspensionRow.tenant == self._tenant)
            .order_by(SuspensionRow.target, SuspensionRow.version)
        )
        with self._database.read() as connection:
            return tuple(Suspension(*row) for row in connection.execute(query))

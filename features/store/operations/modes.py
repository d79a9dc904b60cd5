"""The repository of modes: the mode of each target and of single labels."""

from sqlalchemy import Connection, delete, select

from features.domain.modes import Mode, Modes, ModeSetting
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import ModeRow

# The stored label of a whole target's mode: key columns cannot be null, and no label is empty.
_WHOLE_TARGET = ""


class ModeRepository(Repository):
    """The modes of one tenant; a write does not increase the incidents' revision."""

    def current(self) -> Modes:
        """Return every mode that is set, ordered by target and label."""
        query = (
            select(ModeRow.target, ModeRow.label, ModeRow.mode, ModeRow.set_at)
            .where(ModeRow.tenant == self._tenant)
            .order_by(ModeRow.target, ModeRow.label)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        settings = (ModeSetting(row[0], row[1] or None, Mode(row[2]), row[3]) for row in rows)
        return Modes({(setting.target, setting.label): setting for setting in settings})

    def set(self, setting: ModeSetting) -> None:
        """Set the mode of a target or of one label.

        Setting a target's mode removes those modes of its labels that allow more than the new mode.
        """
        with self._database.write() as connection:
            _upsert(connection, self._tenant, setting)

    def reset(self) -> int:
        """Delete all settings, so that the default mode holds, and return how many there were."""
        with self._database.write() as connection:
            return connection.execute(
                delete(ModeRow).where(ModeRow.tenant == self._tenant)
            ).rowcount


def _upsert(connection: Connection, tenant: str, setting: ModeSetting) -> None:
    key = {
        "tenant": tenant,
        "target": setting.target,
        "label": setting.label or _WHOLE_TARGET,
    }
    new = {"mode": setting.mode, "set_at": setting.set_at}
    statement = insert_into(connection, ModeRow).values(key | new)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))
    if setting.label is None:
        connection.execute(
            delete(ModeRow).where(
                ModeRow.tenant == tenant,
                ModeRow.target == setting.target,
                ModeRow.label != _WHOLE_TARGET,
                ModeRow.mode.in_(setting.mode.above),
            )
        )

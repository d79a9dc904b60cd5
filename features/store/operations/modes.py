"""What the owner allows to be done with answers: the mode of each target and of single labels."""

from sqlalchemy import Connection, delete, select

from features.domain.modes import Mode, Modes, ModeSetting
from features.store.database import insert_into
from features.store.tables import ModeRow

# No label is empty, and a column of a key cannot be null.
_WHOLE_TARGET = ""


def select_modes(connection: Connection, tenant: str) -> Modes:
    """Return the tenant's modes, ordered by target and label."""
    query = (
        select(ModeRow.target, ModeRow.label, ModeRow.mode, ModeRow.set_at)
        .where(ModeRow.tenant == tenant)
        .order_by(ModeRow.target, ModeRow.label)
    )
    found = (
        ModeSetting(target, label or None, Mode(mode), set_at)
        for target, label, mode, set_at in connection.execute(query)
    )
    return Modes({(setting.target, setting.label): setting for setting in found})


def upsert_mode(connection: Connection, tenant: str, setting: ModeSetting) -> None:
    """Set a mode; that of a whole target takes from its labels' what would allow more."""
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


def delete_modes(connection: Connection, tenant: str) -> int:
    """Return everything to the default, and tell how many settings there were."""
    return connection.execute(delete(ModeRow).where(ModeRow.tenant == tenant)).rowcount

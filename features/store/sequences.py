"""Numbers rows in the order in which they are written, for tables that are only added to."""

from sqlalchemy import Connection, func, select

from features.store.learning_tables import AuditEventRow, LabelRow
from features.store.revisions import move_revision
from features.store.tables import RevisionRow

Numbered = type[LabelRow] | type[AuditEventRow]


def next_number(connection: Connection, table: Numbered, tenant: str) -> int:
    """Return the number of the tenant's next row; nobody else gets it until the commit."""
    lock_tenant(connection, tenant)
    query = select(func.max(table.number)).where(table.tenant == tenant)
    return (connection.scalar(query) or 0) + 1


def lock_tenant(connection: Connection, tenant: str) -> None:
    """Make other writers of the tenant's incidents and ledgers wait until the commit."""
    move_revision(connection, RevisionRow, tenant, by=0)

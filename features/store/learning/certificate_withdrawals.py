"""Certificates that did not keep their promise: which version may no longer answer what alone."""

from dataclasses import fields

from sqlalchemy import Connection, select

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.store.database import insert_into
from features.store.learning_tables import WithdrawalRow

_NAMES = tuple(field.name for field in fields(CertificateWithdrawal))
_COLUMNS = tuple(WithdrawalRow.__table__.c[name] for name in _NAMES)


def insert_withdrawal(
    connection: Connection, tenant: str, withdrawal: CertificateWithdrawal
) -> bool:
    """Keep a withdrawal; False when the certificate was withdrawn before."""
    row = {name: getattr(withdrawal, name) for name in _NAMES} | {"tenant": tenant}
    statement = insert_into(connection, WithdrawalRow).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(WithdrawalRow.label)).one_or_none() is not None


def select_withdrawals(connection: Connection, tenant: str) -> tuple[CertificateWithdrawal, ...]:
    """Return every withdrawal, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(WithdrawalRow.tenant == tenant)
        .order_by(
            WithdrawalRow.withdrawn_at,
            WithdrawalRow.target,
            WithdrawalRow.version,
            WithdrawalRow.label,
        )
    )
    return tuple(CertificateWithdrawal(*row) for row in connection.execute(query))

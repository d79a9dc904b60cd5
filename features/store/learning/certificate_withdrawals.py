"""The repository of certificate withdrawals: the labels that a version may not answer as `auto`."""

from dataclasses import fields

from sqlalchemy import select

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import WithdrawalRow

_NAMES = tuple(field.name for field in fields(CertificateWithdrawal))
_COLUMNS = tuple(WithdrawalRow.__table__.c[name] for name in _NAMES)


class CertificateWithdrawalRepository(Repository):
    """The certificate withdrawals of one tenant."""

    def record(self, withdrawal: CertificateWithdrawal) -> bool:
        """Store a withdrawal; False if the certificate was already withdrawn."""
        row = {name: getattr(withdrawal, name) for name in _NAMES} | {"tenant": self._tenant}
        with self._database.write() as connection:
            statement = insert_into(connection, WithdrawalRow).values(row).on_conflict_do_nothing()
            inserted_row = connection.execute(statement.returning(WithdrawalRow.label))
            return inserted_row.one_or_none() is not None

    def all(self) -> tuple[CertificateWithdrawal, ...]:
        """Return every withdrawal, oldest first."""
        query = (
            select(*_COLUMNS)
            .where(WithdrawalRow.tenant == self._tenant)
            .order_by(
                WithdrawalRow.withdrawn_at,
                WithdrawalRow.target,
                WithdrawalRow.version,
                WithdrawalRow.label,
            )
        )
        with self._database.read() as connection:
            return tuple(CertificateWithdrawal(*row) for row in connection.execute(query))

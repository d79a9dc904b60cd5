"""The repository of label rates: one record per target."""

from dataclasses import asdict, fields

from sqlalchemy import delete, select

from features.domain.label_rates import LabelRates
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import LabelRatesRow

_COLUMNS = tuple(LabelRatesRow.__table__.c[field.name] for field in fields(LabelRates))


class LabelRatesRepository(Repository):
    """The label rates in force of one tenant; the audit log has the earlier ones."""

    def save(self, rates: LabelRates) -> None:
        """Store the rates of a target in place of earlier ones."""
        columns = asdict(rates) | {"log_factors": dict(rates.log_factors)}
        with self._database.write() as connection:
            statement = insert_into(connection, LabelRatesRow).values(
                {"tenant": self._tenant} | columns
            )
            connection.execute(
                statement.on_conflict_do_update(index_elements=["tenant", "target"], set_=columns)
            )

    def remove(self, target: str) -> bool:
        """Remove the rates of a target; False if it had none."""
        is_meant = (LabelRatesRow.tenant == self._tenant, LabelRatesRow.target == target)
        with self._database.write() as connection:
            return connection.execute(delete(LabelRatesRow).where(*is_meant)).rowcount > 0

    def all(self) -> tuple[LabelRates, ...]:
        """Return the rates of every target that has some, by target."""
        query = (
            select(*_COLUMNS)
            .where(LabelRatesRow.tenant == self._tenant)
            .order_by(LabelRatesRow.target)
        )
        with self._database.read() as connection:
            return tuple(LabelRates(*row) for row in connection.execute(query))

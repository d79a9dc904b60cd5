"""What every table shares: times in UTC, ids in one order, and the tenant."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    LargeBinary,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

VERSION_TABLE = "precedent_alembic_version"
SCHEMA_REVISION = "0005"
"""The newest migration, and the table that says which one a database has reached."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time that comes back in UTC, also from SQLite, which keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Turn the time into UTC; one without a zone is refused, for it could mean anything."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the time back aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Collation C sorts by bytes, as SQLite does: the order of ids is the same on both databases.
_ID = Text().with_variant(Text(collation="C"), "postgresql")
Id = Annotated[str, mapped_column(_ID)]
Key = Annotated[str, mapped_column(_ID, primary_key=True)]
Number = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]


class Base(DeclarativeBase):
    """The common root; `metadata` lists every table of the store."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        float: Double(),
        bytes: LargeBinary(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }

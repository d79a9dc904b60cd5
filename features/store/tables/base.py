"""The base of all tables, and their column types: times in UTC, and ids with one sort order."""

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
"""The table that records which migration a database has reached."""
SCHEMA_REVISION = "0014"
"""The newest migration."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time that is read back in UTC, also from SQLite, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Convert the time to UTC; raises `ValueError` for a time without a zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Collation C sorts by bytes, as SQLite does, so that ids have the same order in both databases.
_ID = Text().with_variant(Text(collation="C"), "postgresql")
Id = Annotated[str, mapped_column(_ID)]
Key = Annotated[str, mapped_column(_ID, primary_key=True)]
Number = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]


class Base(DeclarativeBase):
    """The base class of all tables; `metadata` lists them."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        float: Double(),
        bytes: LargeBinary(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }

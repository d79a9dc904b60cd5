"""What every repository is made of: a database, and the tenant whose rows it may see."""

from features.store.database import Database


class Repository:
    """The SQL of one noun, for the rows of one tenant.

    Every method raises `StoreUnavailable` when the database is missing, busy beyond its time limit,
    full or damaged. One that writes writes all or nothing.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

"""The base of all repositories: a database, and the tenant whose rows are read and written."""

from features.store.database import Database


class Repository:
    """The SQL for one kind of record, for the rows of one tenant.

    Every method raises `StoreUnavailable` if the database is missing, full or damaged, or is busy
    beyond the time limit. A method that writes does so in one transaction.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

"""The store: all SQL, its migrations, and one repository for each kind of record."""

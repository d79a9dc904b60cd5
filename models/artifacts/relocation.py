"""Rewrites the absolute paths in a copied MLflow database, which name the folder it came from."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from features.errors import BackupRefused
from models.artifacts.registries.open_registry import local_path

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def find_artifact_roots(database: Path, artifacts: Path) -> tuple[str, ...]:
    """Return the addresses by which a registry names a home's folder of artifacts.

    `artifacts` is the folder by its present name; the registry may know it by another one, for
    instance of a link to the home. Raises `BackupRefused` if a version is outside of all of them.
    """
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT artifact_location FROM experiments")
        stated = [row[0] or "" for row in rows]
        present = artifacts.resolve()
        roots = {root for root in stated if root and local_path(root).resolve() == present}
        roots |= {artifacts.as_uri(), str(artifacts)}
        _refuse_outside(connection, roots)
    # A longer one first, so that none is taken for the beginning of another.
    return tuple(sorted(roots, key=len, reverse=True))


def move_artifacts(database: Path, roots: tuple[str, ...], artifacts: Path) -> None:
    """Replace the artifact roots in all addresses of a registry by another folder.

    Raises `BackupRefused` if an address of a run or version is outside of the roots, so that a
    restored home never loads another home's artifacts.
    """
    with closing(sqlite3.connect(database)) as connection:
        for table, column in _present_columns(connection):
            for root in roots:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (artifacts.as_uri(), len(root) + 1, root, len(root) + 1, f"{root}/"),
                )
        _refuse_outside(connection, {artifacts.as_uri()})
        connection.commit()


def version_folders(database: Path) -> Iterator[Path]:
    """Yield the folder of every registered version's MLflow model."""
    with closing(sqlite3.connect(database)) as connection:
        for (address,) in connection.execute("SELECT source FROM model_versions"):
            yield local_path(address or "")


def _present_columns(connection: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
    # Earlier versions of MLflow have fewer tables.
    return tuple(
        (table, column)
        for table, column in _ADDRESSES
        if any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))
    )


def _refuse_outside(connection: sqlite3.Connection, roots: set[str]) -> None:
    for table, column in _present_columns(connection):
        if table == "experiments":  # MLflow's own experiment, which is not used
            continue
        query = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
        for (address,) in connection.execute(query):
            if not any(address == root or address.startswith(f"{root}/") for root in roots):
                raise BackupRefused(
                    f"the registry names {address}, which is outside of the home's folder of "
                    "artifacts; back that folder up by other means, or delete the version"
                )

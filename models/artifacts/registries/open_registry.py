"""Opens the registry at an MLflow tracking address."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from features.errors import RegistryUnavailable
from models.artifacts.registries.access import RegistryAccess
from models.artifacts.registries.postgresql_database import PostgresqlDatabase
from models.artifacts.registries.rest_registry import RestRegistry
from models.artifacts.registries.sql_registry import SqlRegistry
from models.artifacts.registries.sqlite_database import SqliteDatabase

SQLITE = "sqlite:///"
RESTORE = "copy a home with precedent backup DIR, and then precedent restore DIR"


def database_file(tracking_uri: str) -> Path | None:
    """Return the file of an SQLite database from its address, None for a server's address.

    >>> database_file("sqlite:////srv/precedent/mlflow.db").as_posix()
    '/srv/precedent/mlflow.db'
    """
    return Path(tracking_uri.removeprefix(SQLITE)) if tracking_uri.startswith(SQLITE) else None


def open_registry(tracking_uri: str) -> RegistryAccess:
    """Return the registry at an address, without connecting to it.

    Raises `RegistryUnavailable` if the address is neither that of a database nor of a server.
    """
    file = database_file(tracking_uri)
    if file is not None:
        return SqlRegistry(SqliteDatabase(file))
    if tracking_uri.startswith("postgresql"):
        return SqlRegistry(PostgresqlDatabase(tracking_uri))
    if tracking_uri.startswith(("http://", "https://")):
        return RestRegistry(tracking_uri)
    raise RegistryUnavailable(
        f"{tracking_uri!r} is not the address of a model registry; "
        "it starts with sqlite:///, postgresql:// or http://"
    )


def database_is_missing(tracking_uri: str) -> bool:
    """Tell whether there is no SQLite database yet, because nothing was trained.

    Raises `RegistryUnavailable` if the database is missing although trained models are beside it.
    """
    file = database_file(tracking_uri)
    if file is None or file.exists():
        return False
    models = file.parent / "artifacts" / "models"
    if models.is_dir() and any(models.iterdir()):
        raise RegistryUnavailable(
            f"{file} is gone, but {models} holds trained models; restore the file from a backup "
            "(precedent restore DIR), or move the folder away to start anew"
        )
    return True


def is_in_home(tracking_uri: str, folder: Path) -> bool:
    """Tell whether a folder is in the home of an SQLite database; always true for a server.

    >>> is_in_home("sqlite:////srv/precedent/mlflow.db", Path("/srv/precedent/artifacts/models"))
    True
    >>> is_in_home("sqlite:////srv/copy/mlflow.db", Path("/srv/precedent/artifacts/models"))
    False
    """
    file = database_file(tracking_uri)
    return file is None or folder.resolve().is_relative_to(file.parent.resolve())


def local_path(address: str) -> Path:
    """Return the path of a folder that MLflow gives as a path or as a `file:` URL.

    >>> local_path("file:///srv/a%20home").as_posix()
    '/srv/a home'
    """
    if not address.startswith("file:"):
        return Path(address)
    return Path(unquote(urlparse(address).path))

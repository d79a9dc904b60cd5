"""Creates and opens MLflow's database, and turns its errors into advice on what to do."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from features.errors import PrecedentError, RegistryUnavailable

# MLflow is imported where it is used: the import takes seconds, and many commands need no MLflow.
if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"


def database_file(tracking_uri: str) -> Path | None:
    """Return the file of an SQLite database from its address, None for a server's address.

    >>> database_file("sqlite:////srv/precedent/mlflow.db").as_posix()
    '/srv/precedent/mlflow.db'
    """
    return Path(tracking_uri.removeprefix(_SQLITE)) if tracking_uri.startswith(_SQLITE) else None


def connect(tracking_uri: str) -> "MlflowClient":
    """Open an existing database; raises `RegistryUnavailable` if it is missing or broken."""
    file = database_file(tracking_uri)
    if file is not None:
        # MLflow would create a missing file, and would retry a broken file for minutes.
        read_aliases(file)
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # This logger prints the traceback of an error that `registry_errors` reports in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    with registry_errors():
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def create_database(tracking_uri: str) -> None:
    """Create an SQLite database, which takes seconds.

    Nothing is done if the database exists or if the address is a server's. The database is built
    under a temporary name and gets its final name when it is complete. So a crash leaves no
    incomplete database under the final name, and no server reads an incomplete database.
    """
    file = database_file(tracking_uri)
    if file is None or file.exists():
        return
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with registry_errors():
            MlflowClient(tracking_uri=f"{_SQLITE}{draft}", registry_uri=f"{_SQLITE}{draft}")
        with suppress(FileExistsError):  # another trainer was faster
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def read_aliases(file: Path, alias: str = "") -> dict[str, str]:
    """Return each model's version with this alias, by model name, read from MLflow's own table.

    Raises `RegistryUnavailable` if the file is missing or is not a registry.
    """
    # The file is not opened read-only: if a write was killed or ran out of space, the next
    # connection has to undo the write.
    query = "SELECT name, version FROM registered_model_aliases WHERE alias = ?"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as database:
            return {name: str(version) for name, version in database.execute(query, (alias,))}
    except sqlite3.Error as error:
        raise RegistryUnavailable(
            f"{file} is not a model registry ({error}); train first, or check PRECEDENT_HOME"
        ) from error


def log_values(
    client: "MlflowClient", run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]
) -> None:
    """Record a run's parameters and metrics in one transaction."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
        params=[Param(name, value) for name, value in params.items()],
    )


def local_path(address: str) -> Path:
    """Return the path of a folder that MLflow gives as a path or as a `file:` URL.

    >>> local_path("file:///srv/a%20home").as_posix()
    '/srv/a home'
    """
    if not address.startswith("file:"):
        return Path(address)
    return Path(unquote(urlparse(address).path))


@contextmanager
def registry_errors() -> Iterator[None]:
    """Turn any error of MLflow into `RegistryUnavailable`; errors of Precedent stay as they are."""
    try:
        yield
    except PrecedentError:
        raise
    # MLflow also raises the errors of its database drivers; no narrower class covers them all.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise RegistryUnavailable(f"the model registry does not answer: {reason}") from error

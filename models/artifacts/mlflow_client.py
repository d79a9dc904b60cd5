"""Creates and opens MLflow's database to train, and turns its errors into advice."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from features.errors import PrecedentError, RegistryUnavailable
from models.artifacts.registries.open_registry import (
    SQLITE,
    database_file,
    database_is_missing,
    open_registry,
)

# MLflow is imported where it is used: the import takes seconds, and many commands need no MLflow.
if TYPE_CHECKING:
    from mlflow import MlflowClient


def connect(tracking_uri: str) -> "MlflowClient":
    """Open an existing database; raises `RegistryUnavailable` if it is missing or broken."""
    file = database_file(tracking_uri)
    if file is not None:
        # MLflow would create a missing file, and would retry a broken file for minutes.
        open_registry(tracking_uri).models("")
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
    if file is None or not database_is_missing(tracking_uri):
        return
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with registry_errors():
            MlflowClient(tracking_uri=f"{SQLITE}{draft}", registry_uri=f"{SQLITE}{draft}")
        with suppress(FileExistsError):  # another trainer was faster
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


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

"""Reads and changes the registry in MLflow's own SQL tables.

The statements have the effects of `mlflow.store.model_registry.sqlalchemy_store` of MLflow 3.17.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, Protocol

from features.errors import UnknownVersion
from models.artifacts.registries.access import RegisteredModel, RegisteredVersion

Query = Callable[[str, Sequence[object]], Sequence[tuple[Any, ...]]]
"""Runs one statement, whose parameters are written as `?`, and returns its rows."""

_BELOW = "workspace = 'default' AND substr(name, 1, ?) = ?"
_NAMES = f"SELECT name FROM registered_models WHERE {_BELOW} ORDER BY name"  # noqa: S608
_ALIASES = f"SELECT name, alias, version FROM registered_model_aliases WHERE {_BELOW}"  # noqa: S608
_TAGS = f'SELECT name, "key", value FROM registered_model_tags WHERE {_BELOW}'  # noqa: S608
# MLflow only marks a deleted version.
_VERSIONS = (
    "SELECT name, version, creation_time, source, run_id FROM model_versions "  # noqa: S608
    f"WHERE {_BELOW} AND current_stage <> 'Deleted_Internal' ORDER BY version DESC"
)
_VERSION_TAGS = f'SELECT name, version, "key", value FROM model_version_tags WHERE {_BELOW}'  # noqa: S608
_HAS_MODEL = "SELECT 1 FROM registered_models WHERE workspace = 'default' AND name = ?"
_HAS_VERSION = (
    "SELECT 1 FROM model_versions WHERE workspace = 'default' AND name = ? AND version = ? "
    "AND current_stage <> 'Deleted_Internal'"
)
_SET_TAG = (
    'INSERT INTO registered_model_tags (workspace, name, "key", value) '
    "VALUES ('default', ?, ?, ?) "
    'ON CONFLICT (workspace, "key", name) DO UPDATE SET value = excluded.value'
)
_SET_ALIAS = (
    "INSERT INTO registered_model_aliases (workspace, name, alias, version) "
    "VALUES ('default', ?, ?, ?) "
    "ON CONFLICT (workspace, name, alias) DO UPDATE SET version = excluded.version"
)
_DELETE_ALIAS = (
    "DELETE FROM registered_model_aliases WHERE workspace = 'default' AND name = ? AND alias = ?"
)
_RUN_FOLDERS = (
    "SELECT artifact_uri FROM runs JOIN experiments USING (experiment_id) "
    "WHERE experiments.workspace = 'default' AND experiments.name = ?"
)
_RUN_FOLDER = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"


class RegistryDatabase(Protocol):
    """An SQL database with MLflow's tables; threads may share it."""

    def transaction(self, *, writes: bool) -> AbstractContextManager[Query]:
        """Open a transaction; it is undone if the block raises an error.

        All reads in it see the same state. Raises `RegistryUnavailable`.
        """

    def revision(self) -> object:
        """Return a value that changes whenever the content may have changed; None if unknown."""


class SqlRegistry:
    """The registry in an SQL database; models are read again only after a change."""

    def __init__(self, database: RegistryDatabase) -> None:
        self._database = database
        self._lock = Lock()
        self._known: dict[str, tuple[object, Sequence[RegisteredModel]]] = {}

    def models(self, prefix: str) -> Sequence[RegisteredModel]:
        """Return the models whose names start with `prefix`, sorted by name."""
        with self._lock:
            # The revision is read before the content: a change in between only causes a further
            # reading.
            revision = self._database.revision()
            known_revision, models = self._known.get(prefix, (None, ()))
            if revision is None or revision != known_revision:
                models = self._read(prefix)
                self._known[prefix] = revision, models
            return models

    def set_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a model."""
        with self._change() as query:
            _check_model(query, name)
            query(_SET_TAG, (name, key, value))

    def set_alias(self, name: str, alias: str, number: str) -> None:
        """Make an alias of a model point to one of its versions."""
        with self._change() as query:
            if not query(_HAS_VERSION, (name, int(number))):
                raise UnknownVersion(f"{name!r} has no version {number}")
            query(_SET_ALIAS, (name, alias, int(number)))

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a model, if it exists."""
        with self._change() as query:
            _check_model(query, name)
            query(_DELETE_ALIAS, (name, alias))

    def run_folders(self, experiment: str) -> Sequence[str]:
        """Return the address of the folder of each run of an experiment, also of deleted runs."""
        with self._database.transaction(writes=False) as query:
            return [address for (address,) in query(_RUN_FOLDERS, (experiment,))]

    def run_folder(self, run_id: str) -> str:
        """Return the address of the folder of one run."""
        with self._database.transaction(writes=False) as query:
            rows = query(_RUN_FOLDER, (run_id,))
        if not rows:
            raise UnknownVersion(f"the registry has no run {run_id}")
        return str(rows[0][0])

    def _change(self) -> AbstractContextManager[Query]:
        return self._database.transaction(writes=True)

    def _read(self, prefix: str) -> Sequence[RegisteredModel]:
        below = (len(prefix), prefix)
        with self._database.transaction(writes=False) as query:
            names = [name for (name,) in query(_NAMES, below)]
            aliases = _group(query(_ALIASES, below))
            tags = _group(query(_TAGS, below))
            versions = query(_VERSIONS, below)
            version_tags = _group(
                ((name, number), key, value)
                for name, number, key, value in query(_VERSION_TAGS, below)
            )
        return [
            RegisteredModel(
                name,
                {alias: str(number) for alias, number in aliases[name].items()},
                tags[name],
                [
                    RegisteredVersion(
                        number, created_at, source or "", run_id or "", version_tags[name, number]
                    )
                    for owner, number, created_at, source, run_id in versions
                    if owner == name
                ],
            )
            for name in names
        ]


def _group(rows: Iterable[tuple[Any, Any, Any]]) -> Mapping[Any, dict[str, Any]]:
    groups: dict[Any, dict[str, Any]] = defaultdict(dict)
    for owner, key, value in rows:
        groups[owner][key] = value
    return groups


def _check_model(query: Query, name: str) -> None:
    if not query(_HAS_MODEL, (name,)):
        raise UnknownVersion(f"the registry has no model {name!r}")

"""Finds registered versions, and loads them after checking that they are unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from features.errors import RegistryUnavailable, UnknownVersion
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.mlflow_client import (
    connect,
    database_file,
    local_path,
    read_aliases,
    registry_errors,
)
from models.artifacts.trusted_types import SERVED_TYPES

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.entities.model_registry import RegisteredModel

    from models.artifacts.load_artifact import LoadedModel

CHAMPION = "champion"
CHALLENGER = "challenger"
SHA256_TAG = "precedent.sha256"
KIND_TAG = "precedent.kind"
HISTORY_TAG = "precedent.champions"
"""Tag of the registered model with the numbers of its champions so far, such as `1,3,4`.

A rollback removes the last number.
"""

_ESCAPES = str.maketrans({character: f"%{ord(character):02X}" for character in "%/:@'\""})


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version of a target's model.

    `sha256` is the hash of the artifact's manifest, as the registry stores it. `folder` holds the
    artifact's files.
    """

    target: str
    version: str
    kind: str
    sha256: str
    folder: Path
    trained_at: datetime
    run_id: str
    aliases: tuple[str, ...] = ()


def registered_name(tenant: str, target: str) -> str:
    """Return MLflow's name of a target's model; characters that MLflow forbids are escaped.

    >>> registered_name("default", "fields.impact/urgency")
    'default.fields.impact%2Furgency'
    """
    return _prefix(tenant) + target.translate(_ESCAPES)


class ModelRegistry:
    """The versions and aliases of one tenant's models; threads may share a registry object.

    The constructor does not open the database. Methods raise `RegistryUnavailable` if it cannot be
    read.
    """

    def __init__(
        self, tracking_uri: str, tenant: str, *, trusted: Sequence[str] = SERVED_TYPES
    ) -> None:
        self._tracking_uri = tracking_uri
        self._tenant = tenant
        self._trusted = tuple(trusted)
        self._client: MlflowClient | None = None
        self._version_cache: dict[tuple[str, str], ModelVersion] = {}

    def champions(self) -> dict[str, ModelVersion]:
        """Return the champion of each target that has one; empty before the first training."""
        return self._versions_with_alias(CHAMPION)

    def champion_numbers(self) -> dict[str, str]:
        """Return the version number of each target's champion.

        An SQLite database is read without importing MLflow, because the import takes seconds.
        """
        file = database_file(self._tracking_uri)
        if file is None:
            return {target: champion.version for target, champion in self.champions().items()}
        if self._is_new():
            return {}
        prefix = _prefix(self._tenant)
        return {
            self._target(name): number
            for name, number in read_aliases(file, CHAMPION).items()
            if name.startswith(prefix)
        }

    def challengers(self) -> dict[str, ModelVersion]:
        """Return each target's version with the challenger alias, unless it is the champion too."""
        versions = self._versions_with_alias(CHALLENGER).items()
        return {target: version for target, version in versions if CHAMPION not in version.aliases}

    def versions(self, target: str) -> list[ModelVersion]:
        """Return every version of a target's model, the newest first; raises `UnknownVersion`."""
        if self._is_new():
            raise UnknownVersion(f"no model of {target!r} is registered; train first")
        with registry_errors():
            model = self._registered_model(target)
            mlflow_versions = self._open().search_model_versions(f"name = '{model.name}'")
            versions = [self._parse_version(version, model) for version in mlflow_versions]
        return sorted(versions, key=lambda version: int(version.version), reverse=True)

    def version(self, target: str, number: str) -> ModelVersion:
        """Return one version of a target's model; raises `UnknownVersion`."""
        for version in self.versions(target):
            if version.version == number:
                return version
        numbers = ", ".join(version.version for version in self.versions(target)) or "none"
        raise UnknownVersion(f"{target!r} has no version {number}; it has: {numbers}")

    def learned_from(self, id: str) -> tuple[ModelVersion, ...]:  # noqa: A002
        """Return every version that was fitted or evaluated on an incident.

        The versions are sorted by target, and from newest to oldest for each target.
        Versions that were saved without a list of their incidents are left out.
        """
        if self._is_new():
            return ()
        from models.artifacts.training_ids import was_learned_from

        with registry_errors():
            targets = sorted(self._target(model.name) for model in self._registered_models())
        return tuple(
            version
            for target in targets
            for version in self.versions(target)
            if was_learned_from(id, ArtifactFolder(version.folder).learned_from)
        )

    def champion_history(self, target: str) -> tuple[str, ...]:
        """Return the version numbers of the champions so far, with the current champion last.

        A rollback removes the last number. The alias decides which version is the champion. Numbers
        that follow the champion's number in the tag are ignored, because they come from a promotion
        that was not completed. Without a champion the result is empty. Raises `UnknownVersion` if
        no model of the target is registered.
        """
        with registry_errors():
            model = self._registered_model(target)
        if CHAMPION not in model.aliases:
            return ()
        current = str(model.aliases[CHAMPION])
        past = [number for number in model.tags.get(HISTORY_TAG, "").split(",") if number]
        if current not in past:
            return (*past, current)
        while past[-1] != current:
            past.pop()
        return tuple(past)

    def set_champion_history(self, target: str, versions: Sequence[str]) -> None:
        """Record the target's champion history, and make its last version the champion."""
        name = registered_name(self._tenant, target)
        with registry_errors():
            self._open().set_registered_model_tag(name, HISTORY_TAG, ",".join(versions))
            self._open().set_registered_model_alias(name, CHAMPION, versions[-1])

    def set_challenger(self, target: str, version: str) -> None:
        """Make a version the challenger."""
        name = registered_name(self._tenant, target)
        with registry_errors():
            self._open().set_registered_model_alias(name, CHALLENGER, version)

    def remove_challenger(self, target: str, version: str) -> None:
        """Remove the challenger alias from a version, if this version has the alias."""
        with registry_errors():
            model = self._registered_model(target)
            if str(model.aliases.get(CHALLENGER)) == version:
                self._open().delete_registered_model_alias(model.name, CHALLENGER)

    def load(self, version: ModelVersion) -> "LoadedModel":
        """Load a version's model; raises `ArtifactRejected` if its files or answers changed."""
        from models.artifacts.load_artifact import load_artifact

        return load_artifact(version.folder, expected_sha256=version.sha256, trusted=self._trusted)

    def _versions_with_alias(self, alias: str) -> dict[str, ModelVersion]:
        if self._is_new():
            return {}
        with registry_errors():
            return {
                self._target(model.name): self._version(model, str(model.aliases[alias]))
                for model in self._registered_models()
                if alias in model.aliases
            }

    def _is_new(self) -> bool:
        """Tell whether there is no database yet; raises `RegistryUnavailable` if it was deleted."""
        file = database_file(self._tracking_uri)
        if file is None or file.exists():
            return False
        if self._version_cache:
            raise RegistryUnavailable(f"{file} is gone; restore it from a backup")
        return True

    def _open(self) -> "MlflowClient":
        if self._client is None:
            self._client = connect(self._tracking_uri)
        return self._client

    def _registered_models(self) -> "list[RegisteredModel]":
        prefix = _prefix(self._tenant)
        models = self._open().search_registered_models(f"name LIKE '{prefix}%'", max_results=1000)
        return [model for model in models if model.name.startswith(prefix)]

    def _registered_model(self, target: str) -> "RegisteredModel":
        models = {self._target(model.name): model for model in self._registered_models()}
        if target not in models:
            targets = ", ".join(sorted(models)) or "none"
            raise UnknownVersion(f"no model of {target!r} is registered; there are: {targets}")
        return models[target]

    def _version(self, model: "RegisteredModel", number: str) -> ModelVersion:
        # Versions never change, only the aliases that point to them.
        key = (model.name, number)
        if key not in self._version_cache:
            version = self._open().get_model_version(model.name, number)
            self._version_cache[key] = self._parse_version(version, model)
        return replace(self._version_cache[key], aliases=_aliases(model, number))

    def _parse_version(self, version: "MlflowVersion", model: "RegisteredModel") -> ModelVersion:
        return ModelVersion(
            target=self._target(version.name),
            version=str(version.version),
            kind=version.tags.get(KIND_TAG, ""),
            sha256=version.tags.get(SHA256_TAG, ""),
            folder=local_path(version.source or "") / DATA_FOLDER,
            trained_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            run_id=version.run_id or "",
            aliases=_aliases(model, str(version.version)),
        )

    def _target(self, name: str) -> str:
        return unquote(name.removeprefix(_prefix(self._tenant)))


def _prefix(tenant: str) -> str:
    # With an unescaped dot, models of tenant `a.b` would also be listed for tenant `a`.
    return tenant.translate(_ESCAPES).replace(".", "%2E") + "."


def _aliases(model: "RegisteredModel", number: str) -> tuple[str, ...]:
    aliases = model.aliases.items()
    return tuple(sorted(alias for alias, version in aliases if str(version) == number))

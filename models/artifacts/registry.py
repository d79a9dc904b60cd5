"""Finds registered versions, and loads them after checking that they are unchanged."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from features.errors import ArtifactRejected, UnknownVersion
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.registries.access import RegisteredModel, RegisteredVersion, RegistryAccess
from models.artifacts.registries.open_registry import (
    RESTORE,
    database_is_missing,
    is_in_home,
    local_path,
    open_registry,
)
from models.artifacts.trusted_types import SERVED_TYPES

if TYPE_CHECKING:
    from models.artifacts.load_artifact import LoadedModel

_log = logging.getLogger(__name__)

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
        self._access: RegistryAccess | None = None
        self._was_read = False

    def champions(self) -> dict[str, ModelVersion]:
        """Return the champion of each target that has one; empty before the first training."""
        return self._versions_with_alias(CHAMPION)

    def champion_numbers(self) -> dict[str, str]:
        """Return the version number of each target's champion."""
        return {
            self._target(model.name): model.aliases[CHAMPION]
            for model in self._registered_models()
            if CHAMPION in model.aliases
        }

    def unpromoted(self) -> dict[str, str]:
        """Return the newest version number of each target of which no version is the champion."""
        return {
            self._target(model.name): str(model.versions[0].number)
            for model in self._registered_models()
            if CHAMPION not in model.aliases and model.versions
        }

    def challengers(self) -> dict[str, ModelVersion]:
        """Return each target's version with the challenger alias, unless it is the champion too."""
        versions = self._versions_with_alias(CHALLENGER).items()
        return {target: version for target, version in versions if CHAMPION not in version.aliases}

    def versions(self, target: str) -> list[ModelVersion]:
        """Return every version of a target's model, the newest first; raises `UnknownVersion`."""
        model = self._registered_model(target)
        return [self._describe(version, model) for version in model.versions]

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
        from models.artifacts.training_ids import was_learned_from

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
        model = self._registered_model(target)
        if CHAMPION not in model.aliases:
            return ()
        current = model.aliases[CHAMPION]
        past = [number for number in model.tags.get(HISTORY_TAG, "").split(",") if number]
        if current not in past:
            return (*past, current)
        while past[-1] != current:
            past.pop()
        return tuple(past)

    def set_champion_history(self, target: str, versions: Sequence[str]) -> None:
        """Record the target's champion history, and make its last version the champion."""
        name = registered_name(self._tenant, target)
        self._open().set_tag(name, HISTORY_TAG, ",".join(versions))
        self._open().set_alias(name, CHAMPION, versions[-1])

    def set_challenger(self, target: str, version: str) -> None:
        """Make a version the challenger."""
        self._open().set_alias(registered_name(self._tenant, target), CHALLENGER, version)

    def remove_challenger(self, target: str, version: str) -> None:
        """Remove the challenger alias from a version, if this version has the alias."""
        model = self._registered_model(target)
        if model.aliases.get(CHALLENGER) == version:
            self._open().delete_alias(model.name, CHALLENGER)

    def load(self, version: ModelVersion) -> "LoadedModel":
        """Load a version's model; raises `ArtifactRejected` if its files or answers changed."""
        from models.artifacts.load_artifact import load_artifact

        self._check_place(version.folder)
        return load_artifact(version.folder, expected_sha256=version.sha256, trusted=self._trusted)

    def _versions_with_alias(self, alias: str) -> dict[str, ModelVersion]:
        return {
            self._target(model.name): self._describe(version, model)
            for model in self._registered_models()
            for version in model.versions
            if str(version.number) == model.aliases.get(alias)
        }

    def _open(self) -> RegistryAccess:
        if self._access is None:
            self._access = open_registry(self._tracking_uri)
        return self._access

    def _registered_models(self) -> Sequence[RegisteredModel]:
        if not self._was_read and database_is_missing(self._tracking_uri):
            return ()
        models = self._open().models(_prefix(self._tenant))
        self._was_read = True
        return models

    def _registered_model(self, target: str) -> RegisteredModel:
        models = {self._target(model.name): model for model in self._registered_models()}
        if target not in models:
            targets = ", ".join(sorted(models)) or "none; train first"
            raise UnknownVersion(f"no model of {target!r} is registered; there are: {targets}")
        return models[target]

    def _describe(self, version: RegisteredVersion, model: RegisteredModel) -> ModelVersion:
        number = str(version.number)
        return ModelVersion(
            target=self._target(model.name),
            version=number,
            kind=version.tags.get(KIND_TAG, ""),
            sha256=version.tags.get(SHA256_TAG, ""),
            folder=local_path(version.source) / DATA_FOLDER,
            trained_at=datetime.fromtimestamp(version.created_at_ms / 1000, UTC),
            run_id=version.run_id,
            aliases=tuple(sorted(name for name in model.aliases if model.aliases[name] == number)),
        )

    def _check_place(self, folder: Path) -> None:
        """Warn of files in another home; raises `ArtifactRejected` if that home is gone."""
        if is_in_home(self._tracking_uri, folder):
            return
        problem = f"{folder} is not in this home, which was copied from another; {RESTORE}"
        if not folder.exists():
            raise ArtifactRejected(problem)
        _log.warning("a model of another home is used", extra={"fields": {"reason": problem}})

    def _target(self, name: str) -> str:
        return unquote(name.removeprefix(_prefix(self._tenant)))


def _prefix(tenant: str) -> str:
    # With an unescaped dot, models of tenant `a.b` would also be listed for tenant `a`.
    return tenant.translate(_ESCAPES).replace(".", "%2E") + "."

"""What Precedent reads from a model registry, and the few changes that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version as MLflow stores it.

    `created_at_ms` is in milliseconds since 1970. `source` is the address of the model's folder.
    """

    number: int
    created_at_ms: int
    source: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as MLflow stores it.

    `aliases` gives the version number of each alias. `versions` are sorted from newest to oldest;
    deleted versions are left out.
    """

    name: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Sequence[RegisteredVersion] = ()


class RegistryAccess(Protocol):
    """A model registry of MLflow; threads may share it.

    All methods raise `RegistryUnavailable` if the registry cannot be read or changed, and
    `UnknownVersion` if it does not contain what they name.
    """

    def models(self, prefix: str) -> Sequence[RegisteredModel]:
        """Return the models whose names start with `prefix`, sorted by name."""

    def set_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a model."""

    def set_alias(self, name: str, alias: str, number: str) -> None:
        """Make an alias of a model point to one of its versions."""

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a model, if it exists."""

    def run_folders(self, experiment: str) -> Sequence[str]:
        """Return the address of the folder of each run of an experiment, also of deleted runs."""

    def run_folder(self, run_id: str) -> str:
        """Return the address of the folder of one run."""

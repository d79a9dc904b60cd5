"""Decides which version serves: moves the champion alias forth and back."""

from typing import TYPE_CHECKING

from features.errors import RegistryUnavailable
from features.home import Home
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.registry import (
    CHALLENGER,
    CHAMPION,
    ModelRegistry,
    ModelVersion,
    registered_name,
)
from models.artifacts.tracking import connect, registry_errors

if TYPE_CHECKING:  # models.artifacts sets MLflow up, so it must be imported first
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

HISTORY_TAG = "precedent.champions"
"""Tag of the registered model: every champion so far, as `1,3,4`; rolling back removes the last."""


def promote(target: str, version: str | None = None, *, home: Home, tenant: str) -> ModelVersion:
    """Make a version (None: the newest) the champion; servers follow when they next look.

    Raises `RegistryUnavailable` when there is no such target or version, and `ArtifactRejected`
    when its files are not those that were registered.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    chosen = registry.version(target, version) if version else registry.versions(target)[0]
    verify_files(ArtifactFolder(chosen.folder), chosen.sha256)
    with registry_errors():
        client = connect(home.tracking_uri)
        model = client.get_registered_model(registered_name(tenant, target))
        past = _champions(model)
        if past[-1:] != [chosen.version]:
            _set_champions(client, model, [*past, chosen.version])
        if str(model.aliases.get(CHALLENGER)) == chosen.version:
            client.delete_registered_model_alias(model.name, CHALLENGER)
    return registry.version(target, chosen.version)


def rollback(target: str, *, home: Home, tenant: str) -> ModelVersion:
    """Bring back the champion before this one; done twice it goes two champions back.

    Raises `RegistryUnavailable` when there is no earlier champion, and `ArtifactRejected` when its
    files are not those that were registered.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    registry.versions(target)
    with registry_errors():
        client = connect(home.tracking_uri)
        model = client.get_registered_model(registered_name(tenant, target))
        earlier = _champions(model)[:-1]
        if not earlier:
            raise RegistryUnavailable(
                f"{target!r} has no earlier champion to roll back to; promote a version instead"
            )
        chosen = registry.version(target, earlier[-1])
        verify_files(ArtifactFolder(chosen.folder), chosen.sha256)
        _set_champions(client, model, earlier)
    return registry.version(target, chosen.version)


def _champions(model: "RegisteredModel") -> list[str]:
    """Return the champions so far, the present one last.

    The alias is the truth: whatever the tag says beyond it was never completed.
    """
    if CHAMPION not in model.aliases:
        return []
    present = str(model.aliases[CHAMPION])
    past = [number for number in model.tags.get(HISTORY_TAG, "").split(",") if number]
    if present not in past:
        return [*past, present]
    while past[-1] != present:
        past.pop()
    return past


def _set_champions(client: "MlflowClient", model: "RegisteredModel", champions: list[str]) -> None:
    client.set_registered_model_tag(model.name, HISTORY_TAG, ",".join(champions))
    client.set_registered_model_alias(model.name, CHAMPION, champions[-1])

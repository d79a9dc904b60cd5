"""Decides which version serves: moves the champion alias forth and back, and tells the log why."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from features.errors import NoEarlierChampion, RegistryUnavailable
from features.home import Home
from features.store.learning.champion_history import CROWNING
from features.store.operations.audit_log import Event
from features.store.store import IncidentStore
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.mlflow_client import connect, registry_errors
from models.artifacts.registry import (
    CHALLENGER,
    CHAMPION,
    ModelRegistry,
    ModelVersion,
    registered_name,
)

if TYPE_CHECKING:  # models.artifacts sets MLflow up, so it must be imported first
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

HISTORY_TAG = "precedent.champions"
"""Tag of the registered model: every champion so far, as `1,3,4`; rolling back removes the last."""

_PATIENCE_SECONDS = 30.0
_FOUND = "the registry names another champion than the log; it was moved by other means"


def promote(
    target: str,
    version: str | None = None,
    *,
    home: Home,
    tenant: str,
    store: IncidentStore,
    actor: str,
    reason: str,
    details: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Make a version (None: the newest) the champion; servers follow when they next look.

    `details` go into the log beside who and why. One that is champion already stays so, and the
    log as it is. Raises `UnknownVersion`, `ArtifactRejected` when its files are not those that
    were registered, `RegistryUnavailable` and `StoreUnavailable`.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    with _one_at_a_time(home):
        chosen = _chosen(registry, target, version)
        verify_files(ArtifactFolder(chosen.folder), chosen.sha256)
        _note_found(registry, store, target)
        with registry_errors():
            client = connect(home.tracking_uri)
            model = client.get_registered_model(registered_name(tenant, target))
            past = _champions(model)
            is_moved = past[-1:] != [chosen.version]
            if is_moved:
                _set_champions(client, model, [*past, chosen.version])
            if str(model.aliases.get(CHALLENGER)) == chosen.version:
                client.delete_registered_model_alias(model.name, CHALLENGER)
        if is_moved:
            told = {"before": past[-1] if past else None, "sha256": chosen.sha256}
            _note("promote", chosen, store, actor, reason, told | dict(details or {}))
    return registry.version(target, chosen.version)


def rollback(
    target: str, *, home: Home, tenant: str, store: IncidentStore, actor: str, reason: str
) -> ModelVersion:
    """Bring back the champion before this one; done twice it goes two champions back.

    Raises `NoEarlierChampion`, and otherwise what `promote` raises.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    with _one_at_a_time(home):
        registry.versions(target)
        with registry_errors():
            client = connect(home.tracking_uri)
            model = client.get_registered_model(registered_name(tenant, target))
        champions = _champions(model)
        if len(champions) < 2:
            raise NoEarlierChampion(
                f"{target!r} has no earlier champion to roll back to; promote a version instead"
            )
        chosen = registry.version(target, champions[-2])
        verify_files(ArtifactFolder(chosen.folder), chosen.sha256)
        _note_found(registry, store, target)
        with registry_errors():
            _set_champions(client, model, champions[:-1])
        told = {"before": champions[-1], "sha256": chosen.sha256}
        _note("rollback", chosen, store, actor, reason, told)
    return registry.version(target, chosen.version)


def _chosen(registry: ModelRegistry, target: str, version: str | None) -> ModelVersion:
    if version is None:
        return registry.versions(target)[0]
    return registry.version(target, version)


def note_found_champions(*, home: Home, tenant: str, store: IncidentStore) -> None:
    """Tell the log of every champion that it does not know; who reads the log calls this first.

    So what somebody moved in MLflow, or a crash kept from the log, is in it from then on. Raises
    `RegistryUnavailable` and `StoreUnavailable`.
    """
    with _one_at_a_time(home):
        _note_found(ModelRegistry(home.tracking_uri, tenant), store)


def _note_found(registry: ModelRegistry, store: IncidentStore, target: str | None = None) -> None:
    logged = {
        event.target: event.version
        for event in store.learning.events(target=target)
        if event.action in CROWNING
    }
    for present in registry.champions().values():
        is_asked = target in (None, present.target)
        if is_asked and logged.get(present.target) != present.version:
            told = {"before": logged.get(present.target), "sha256": present.sha256}
            _note("found", present, store, "precedent", _FOUND, told)


def _note(
    action: str,
    version: ModelVersion,
    store: IncidentStore,
    actor: str,
    reason: str,
    details: Mapping[str, Any],
) -> None:
    now = datetime.now(UTC)
    store.learning.append_event(
        Event(now, actor, action, version.target, version.version, reason, details)
    )


@contextmanager
def _one_at_a_time(home: Home) -> Iterator[None]:
    """Hold a lock that the system takes back from a process that dies."""
    home.moving_champions.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.moving_champions)
    try:
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout as error:
        raise RegistryUnavailable(
            "another promotion has been under way for long; try again when it is done"
        ) from error
    try:
        yield
    finally:
        lock.release()


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

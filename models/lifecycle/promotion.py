"""Decides which version serves: moves the champion alias forth and back, and tells the log why."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock, Timeout

from features.domain.audit_event import AuditEvent
from features.domain.champion_history import CHAMPION_ACTIONS
from features.errors import NoEarlierChampion, RegistryUnavailable
from features.home import Home
from features.store.store import Store
from models.artifacts.manifest import ArtifactFolder, verify_files
from models.artifacts.registry import ModelRegistry, ModelVersion

_PATIENCE_SECONDS = 30.0
_FOUND = "the registry names another champion than the log; it was moved by other means"


def promote(
    target: str,
    version: str | None = None,
    *,
    home: Home,
    tenant: str,
    store: Store,
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
        past = registry.champion_history(target)
        is_moved = past[-1:] != (chosen.version,)
        if is_moved:
            registry.set_champion_history(target, (*past, chosen.version))
        registry.remove_challenger(target, chosen.version)
        if is_moved:
            told = {"before": past[-1] if past else None, "sha256": chosen.sha256}
            _note("promote", chosen, store, actor, reason, told | dict(details or {}))
    return registry.version(target, chosen.version)


def rollback(
    target: str, *, home: Home, tenant: str, store: Store, actor: str, reason: str
) -> ModelVersion:
    """Bring back the champion before this one; done twice it goes two champions back.

    Raises `NoEarlierChampion`, and otherwise what `promote` raises.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    with _one_at_a_time(home):
        registry.versions(target)
        champions = registry.champion_history(target)
        if len(champions) < 2:
            raise NoEarlierChampion(
                f"{target!r} has no earlier champion to roll back to; promote a version instead"
            )
        chosen = registry.version(target, champions[-2])
        verify_files(ArtifactFolder(chosen.folder), chosen.sha256)
        _note_found(registry, store, target)
        registry.set_champion_history(target, champions[:-1])
        told = {"before": champions[-1], "sha256": chosen.sha256}
        _note("rollback", chosen, store, actor, reason, told)
    return registry.version(target, chosen.version)


def _chosen(registry: ModelRegistry, target: str, version: str | None) -> ModelVersion:
    if version is None:
        return registry.versions(target)[0]
    return registry.version(target, version)


def note_found_champions(*, home: Home, tenant: str, store: Store) -> None:
    """Tell the log of every champion that it does not know; who reads the log calls this first.

    So what somebody moved in MLflow, or a crash kept from the log, is in it from then on. Raises
    `RegistryUnavailable` and `StoreUnavailable`.
    """
    with _one_at_a_time(home):
        _note_found(ModelRegistry(home.tracking_uri, tenant), store)


def _note_found(registry: ModelRegistry, store: Store, target: str | None = None) -> None:
    logged = {
        event.target: event.version
        for event in store.audit_log.select(target=target)
        if event.action in CHAMPION_ACTIONS
    }
    for present in registry.champions().values():
        is_asked = target in (None, present.target)
        if is_asked and logged.get(present.target) != present.version:
            told = {"before": logged.get(present.target), "sha256": present.sha256}
            _note("found", present, store, "precedent", _FOUND, told)


def _note(
    action: str,
    version: ModelVersion,
    store: Store,
    actor: str,
    reason: str,
    details: Mapping[str, Any],
) -> None:
    now = datetime.now(UTC)
    store.audit_log.append(
        AuditEvent(now, actor, action, version.target, version.version, reason, details)
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

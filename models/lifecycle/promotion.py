"""Promotes a version or rolls back to the previous champion, and logs who did it and why."""

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
from models.artifacts.manifest import ArtifactFolder, verify_artifact
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.lifecycle.suspension import lift_by_promotion

_LOCK_TIMEOUT_SECONDS = 30.0
_MOVED_ELSEWHERE = "the registry names another champion than the log; it was moved by other means"


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
    """Make a version (None: the newest) the champion; servers switch when they next poll.

    `details` are logged with the actor and the reason. If the version is champion already, no
    promotion is logged. Any suspension of the target is lifted, also that of the version itself.
    Raises `UnknownVersion`, `ArtifactRejected` if the version's files have
    changed since registration, `RegistryUnavailable` and `StoreUnavailable`.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    with promotion_lock(home):
        champion = _select_version(registry, target, version)
        verify_artifact(ArtifactFolder(champion.folder), champion.sha256)
        _log_found_champions(registry, store, target)
        past = registry.champion_history(target)
        is_moved = past[-1:] != (champion.version,)
        if is_moved:
            registry.set_champion_history(target, (*past, champion.version))
        registry.remove_challenger(target, champion.version)
        if is_moved:
            facts = {"before": past[-1] if past else None, "sha256": champion.sha256}
            _log_event("promote", champion, store, actor, reason, facts | dict(details or {}))
        _lift_suspensions(champion, store, actor, reason)
    return registry.version(target, champion.version)


def rollback(
    target: str, *, home: Home, tenant: str, store: Store, actor: str, reason: str
) -> ModelVersion:
    """Make the previous champion the champion again.

    A second rollback goes back to the champion before that.

    Raises `NoEarlierChampion`, and the errors that `promote` raises.
    """
    registry = ModelRegistry(home.tracking_uri, tenant)
    with promotion_lock(home):
        registry.versions(target)
        champions = registry.champion_history(target)
        if len(champions) < 2:
            raise NoEarlierChampion(
                f"{target!r} has no earlier champion to roll back to; promote a version instead"
            )
        champion = registry.version(target, champions[-2])
        verify_artifact(ArtifactFolder(champion.folder), champion.sha256)
        _log_found_champions(registry, store, target)
        registry.set_champion_history(target, champions[:-1])
        facts = {"before": champions[-1], "sha256": champion.sha256}
        _log_event("rollback", champion, store, actor, reason, facts)
        _lift_suspensions(champion, store, actor, reason)
    return registry.version(target, champion.version)


def _select_version(registry: ModelRegistry, target: str, version: str | None) -> ModelVersion:
    if version is None:
        return registry.versions(target)[0]
    return registry.version(target, version)


def note_found_champions(*, home: Home, tenant: str, store: Store) -> None:
    """Log every champion that is missing in the audit log; call this before reading the log.

    Such a champion was set in MLflow directly, or a crash prevented logging its promotion.
    Raises `RegistryUnavailable` and `StoreUnavailable`.
    """
    with promotion_lock(home):
        _log_found_champions(ModelRegistry(home.tracking_uri, tenant), store)


def _log_found_champions(registry: ModelRegistry, store: Store, target: str | None = None) -> None:
    logged = {
        event.target: event.version
        for event in store.audit_log.select(target=target)
        if event.action in CHAMPION_ACTIONS
    }
    moved = {
        name
        for name, number in registry.champion_numbers().items()
        if target in (None, name) and logged.get(name) != number
    }
    for name in sorted(moved):
        champion = registry.champions()[name]
        details = {"before": logged.get(name), "sha256": champion.sha256}
        _log_event("found", champion, store, "precedent", _MOVED_ELSEWHERE, details)


def _lift_suspensions(champion: ModelVersion, store: Store, actor: str, reason: str) -> None:
    lift_by_promotion(
        champion.target,
        champion.version,
        store,
        actor=actor,
        reason=reason,
        now=datetime.now(UTC),
    )


def _log_event(
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
def promotion_lock(home: Home) -> Iterator[None]:
    """Hold the lock for promotions; the operating system releases it if the process dies."""
    home.moving_champions.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.moving_champions)
    try:
        lock.acquire(timeout=_LOCK_TIMEOUT_SECONDS)
    except Timeout as error:
        raise RegistryUnavailable(
            "another promotion is still running; try again when it has finished"
        ) from error
    try:
        yield
    finally:
        lock.release()

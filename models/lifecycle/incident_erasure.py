"""Erases an incident everywhere except in the models that learned from it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from filelock import FileLock

from features.domain.report import ResolvedIncident
from features.encoding.erasure import forget_cached, forget_in_memory
from features.encoding.vector_cache import forget_encodings
from features.errors import RegistryUnavailable
from features.home import Home
from features.search.saved_indexes import forget_indexes
from features.store.store import Store
from features.text.fingerprint import fingerprint
from models.artifacts.evaluation_files import forget_in_snapshots
from models.artifacts.registry import ModelVersion
from models.runbooks.passages import read_report

_log = logging.getLogger(__name__)


class LearnedFrom(Protocol):
    """The part of `models.artifacts.registry.ModelRegistry` that an erasure needs."""

    def learned_from(self, id: str) -> Sequence[ModelVersion]:  # noqa: A002
        """Return the versions that were fitted or evaluated on an incident."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """The `models` that learned from a deleted incident; they are not erased.

    `models` is None if the registry cannot be read, or if an evaluation file cannot be rewritten.
    """

    models: Sequence[ModelVersion] | None


def erase_incident(
    id: str,  # noqa: A002
    *,
    store: Store,
    registry: LearnedFrom,
    home: Home,
    tenant: str,
) -> Deletion | None:
    """Remove an incident from caches, evaluation files and the store.

    Returns None if neither the store nor an evaluation file contained the incident. It is removed
    from the store last, so that a failed erasure can be tried again. Other processes learn from the
    store that the incident was deleted. Raises `StoreUnavailable`.
    """
    incident = store.incidents.get(id)
    only_triaged = store.predictions.triaged_report(id)
    report = only_triaged if incident is None else incident.report
    # Without the lock, one of two simultaneous erasures could restore rows that the other removed.
    with FileLock(home.erasure_lock):
        if report is not None:
            forget_cached(report, home.encodings)
            # The runbook model cleans texts in another way, so it caches encodings of other texts.
            forget_encodings(home.encodings, {read_report(report).text} - {""})
        forget_indexes(home, tenant)
        models, was_evaluated = _erase_in_registry(id, incident, registry, home, tenant)
    was_stored = store.incidents.delete(id)
    if not (was_stored or was_evaluated):
        return None
    forget_in_memory()
    return Deletion(models)


def _erase_in_registry(
    id: str,  # noqa: A002
    incident: ResolvedIncident | None,
    registry: LearnedFrom,
    home: Home,
    tenant: str,
) -> tuple[Sequence[ModelVersion] | None, bool]:
    """Return the models that learned from the incident, and whether evaluation files had it.

    Returns None and False if the registry is unavailable.
    """
    content = None if incident is None else fingerprint(incident.report)
    try:
        models = registry.learned_from(id)
        files = forget_in_snapshots(id, home, tenant, content)
    except RegistryUnavailable as error:
        facts = {"reason": str(error)}
        _log.warning("an incident may remain in evaluation files", extra={"fields": facts})
        return None, False
    return models, files > 0

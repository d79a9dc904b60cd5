"""Keeps what is derived from the stored incidents up to date with them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from features.domain.report import ResolvedIncident
from features.store.incidents.incidents import IncidentRepository


class Derived(Protocol):
    """What is derived from incidents, and changes with them."""

    def update(self, incidents: Iterable[ResolvedIncident], *, removed: Iterable[str] = ()) -> None:
        """Add or replace incidents, and remove others by id."""


def catch_up(
    incidents: IncidentRepository, derived: Derived, revision: int, check_stop: Callable[[], None]
) -> int:
    """Apply what changed since a revision, and return the revision that is reached.

    From revision 0 on everything is read; `check_stop` is called between two incidents then.
    """
    if incidents.revision() == revision:
        return revision
    if revision == 0:
        # The incidents are read one by one: together they may not fit into memory.
        revision = incidents.revision()
        derived.update(_until_stopped(incidents.all(), check_stop))
    changes = incidents.changes_since(revision)
    derived.update(changes.upserted, removed=changes.deleted)
    return changes.revision


def _until_stopped(
    incidents: Iterable[ResolvedIncident], check_stop: Callable[[], None]
) -> Iterator[ResolvedIncident]:
    for incident in incidents:
        check_stop()
        yield incident

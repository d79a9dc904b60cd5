"""Keeps the store of incidents up to date on behalf of callers. Knows no HTTP."""

from features.history.store import IncidentStore
from features.incident.report import IncidentReport, Outcome, ResolvedIncident
from serving.errors import UnknownIncident


class IncidentService:
    """Writes, reads and removes incidents; every method may raise `StoreUnavailable`."""

    def __init__(self, store: IncidentStore) -> None:
        self._store = store

    def upsert(self, report: IncidentReport, outcome: Outcome) -> int:
        """Add an incident or replace it, outcome and all; return the store's revision."""
        return self._store.upsert([ResolvedIncident(report, outcome)])

    def get(self, id: str) -> ResolvedIncident:  # noqa: A002
        """Return an incident; raises `UnknownIncident`."""
        incident = self._store.get(id)
        if incident is None:
            raise _unknown(id)
        return incident

    def delete(self, id: str) -> None:  # noqa: A002
        """Remove an incident; raises `UnknownIncident`."""
        if not self._store.delete(id):
            raise _unknown(id)


def _unknown(id: str) -> UnknownIncident:  # noqa: A002
    return UnknownIncident(f"there is no incident {id!r}")

"""Writes, reads and deletes incidents."""

from datetime import UTC, datetime

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home
from features.store.store import Store
from models.lifecycle.incident_erasure import Deletion, erase_incident
from serving.background.champions import ServableVersions
from serving.runtime.errors import UnknownIncident
from serving.services.feedback_labels import OnLabels, ignore_labels, labels_of_final_state


class IncidentService:
    """Writes, reads and deletes incidents; every method may raise `StoreUnavailable`."""

    def __init__(
        self,
        store: Store,
        registry: ServableVersions,
        home: Home,
        tenant: str,
        *,
        on_labels: OnLabels = ignore_labels,
    ) -> None:
        self._store = store
        self._registry = registry
        self._home = home
        self._tenant = tenant
        self._on_labels = on_labels

    def upsert(self, report: IncidentReport, outcome: Outcome) -> int:
        """Add or replace an incident with its outcome; return the store's revision.

        The labels that are new in the outcome are stored too; their source depends on our earlier
        answers.
        """
        labels = labels_of_final_state(self._store, report.id, outcome, datetime.now(UTC))
        revision = self._store.incidents.upsert([ResolvedIncident(report, outcome)], labels)
        if labels:
            self._on_labels(labels)
        return revision

    def get(self, id: str) -> ResolvedIncident:  # noqa: A002
        """Return an incident; raises `UnknownIncident`."""
        incident = self._store.incidents.get(id)
        if incident is None:
            raise _unknown(id)
        return incident

    def delete(self, id: str) -> Deletion:  # noqa: A002
        """Delete an incident everywhere except in the models that learned from it.

        Raises `UnknownIncident`.
        """
        deletion = erase_incident(
            id, store=self._store, registry=self._registry, home=self._home, tenant=self._tenant
        )
        if deletion is None:
            raise _unknown(id)
        return deletion


def _unknown(id: str) -> UnknownIncident:  # noqa: A002
    return UnknownIncident(
        f"no incident {id!r} is stored; what was only sent to POST /v1/triage is not kept"
    )

"""Writes, reads and deletes incidents."""

from datetime import UTC, datetime

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home
from features.store.store import Store
from features.text.masking import Masking
from features.text.parsing import parse_masked_name
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
        masking: Masking | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._home = home
        self._tenant = tenant
        self._on_labels = on_labels
        self._masking = masking or Masking()

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
        """Return an incident by its id as sent or as stored; raises `UnknownIncident`."""
        for stored_id in self._stored_ids(id):
            incident = self._store.incidents.get(stored_id)
            if incident is not None:
                return incident
        raise _unknown(id)

    def delete(self, id: str) -> Deletion:  # noqa: A002
        """Delete an incident everywhere except in the models that learned from it.

        Raises `UnknownIncident`.
        """
        for stored_id in self._stored_ids(id):
            deletion = erase_incident(
                stored_id,
                store=self._store,
                registry=self._registry,
                home=self._home,
                tenant=self._tenant,
            )
            if deletion is not None:
                return deletion
        raise _unknown(id)

    def _stored_ids(self, id: str) -> tuple[str, ...]:  # noqa: A002
        # Incidents that were stored under other settings of masking keep their ids.
        return tuple(dict.fromkeys((parse_masked_name(id, self._masking), id)))


def _unknown(id: str) -> UnknownIncident:  # noqa: A002
    return UnknownIncident(
        f"no incident {id!r} is stored; what was only sent to POST /v1/triage is not kept"
    )

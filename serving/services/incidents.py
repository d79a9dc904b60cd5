"""Keeps the store of incidents up to date on behalf of callers. Knows no HTTP."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from filelock import FileLock

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.erasure import forget_cached, forget_in_memory
from features.encoding.vector_cache import forget_encodings
from features.errors import RegistryUnavailable
from features.home import Home
from features.store.store import IncidentStore
from features.text.fingerprint import fingerprint
from models.artifacts.evaluation_files import forget_in_snapshots
from models.artifacts.registry import ModelVersion
from models.runbooks.passages import read_report
from serving.background.champions import VersionRegistry
from serving.runtime.errors import UnknownIncident
from serving.services.feedback_labels import OnLabels, ignore_labels, labels_of_final_state

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is left of a deleted incident: the `models` that learned from it.

    They are None when the registry cannot be read, or files on how a model was judged cannot be
    rewritten.
    """

    models: Sequence[ModelVersion] | None


class IncidentService:
    """Writes, reads and removes incidents; every method may raise `StoreUnavailable`."""

    def __init__(
        self,
        store: IncidentStore,
        registry: VersionRegistry,
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
        """Add an incident or replace it, outcome and all; return the store's revision.

        What its final state says becomes labels, each with the source that our answers tell.
        """
        labels = labels_of_final_state(self._store, report.id, outcome, datetime.now(UTC))
        revision = self._store.upsert([ResolvedIncident(report, outcome)], labels)
        if labels:
            self._on_labels(labels)
        return revision

    def get(self, id: str) -> ResolvedIncident:  # noqa: A002
        """Return an incident; raises `UnknownIncident`."""
        incident = self._store.get(id)
        if incident is None:
            raise _unknown(id)
        return incident

    def delete(self, id: str) -> Deletion:  # noqa: A002
        """Remove an incident from everywhere but the models that learned from it.

        It leaves the store last, so that what fails before can be tried again; other processes
        learn from the store that it is gone. Raises `UnknownIncident`.
        """
        incident = self._store.get(id)
        # Two at once would each write files back that the other has just rid of its incident.
        with FileLock(self._home.forgetting):
            if incident is not None:
                forget_cached(incident.report, self._home.encodings)
                # As a use of a runbook it was read in another way.
                forget_encodings(self._home.encodings, {read_report(incident.report).text} - {""})
            models, was_judged = self._forget_in_registry(id, incident)
        was_stored = self._store.delete(id)
        if not (was_stored or was_judged):
            raise _unknown(id)
        forget_in_memory()
        return Deletion(models)

    def _forget_in_registry(
        self,
        id: str,  # noqa: A002
        incident: ResolvedIncident | None,
    ) -> tuple[Sequence[ModelVersion] | None, bool]:
        """Return the models that learned from it, and whether files on them held its rows."""
        content = None if incident is None else fingerprint(incident.report)
        try:
            models = self._registry.learned_from(id)
            found = forget_in_snapshots(id, self._home, self._tenant, content)
        except RegistryUnavailable as error:
            facts = {"reason": str(error)}
            _log.warning("an incident may remain in files of models", extra={"fields": facts})
            return None, False
        return models, found > 0


def _unknown(id: str) -> UnknownIncident:  # noqa: A002
    return UnknownIncident(
        f"there is no incident {id!r}: only what is sent to POST /v1/incidents is stored, and what "
        "was only triaged has no page"
    )

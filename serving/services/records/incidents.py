"""Writes, reads and deletes incidents."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from features.domain.label_sources import labels_from_outcome
from features.domain.report import Outcome, ResolvedIncident
from features.domain.tracking import TrackedIncident
from features.home import Home
from features.store.incidents.incident_revisions import Revision
from features.store.incidents.incident_update import IncidentUpdate, is_outdated, merge_update
from features.store.store import Store
from features.text.masking import Masking
from features.text.parsing import parse_masked_name
from models.lifecycle.incident_erasure import Deletion, erase_incident
from serving.background.champions import ServableVersions
from serving.runtime.errors import UnknownIncident
from serving.services.feedback_labels import OnLabels, ignore_labels
from serving.services.records.update_checks import check_merged, check_update

UpsertEffect = Literal["created", "updated", "unchanged", "outdated"]


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The incident after an update, what the update did, and the store's revision."""

    effect: UpsertEffect
    incident: TrackedIncident
    revision: int


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

    def upsert(
        self, update: IncidentUpdate, request_id: str, *, queued: bool = True
    ) -> UpsertResult:
        """Merge an update into the stored incident, or add a new one.

        The final labels that are new in the outcome are stored too; their source depends on our
        earlier answers. If it is `queued`, an open incident whose report is new or changed is put
        into the queue for triage. Raises `InvalidFields` if a time contradicts another or is in the
        future, or if there are too many attributes.
        """
        id_, now = update.report.id, datetime.now(UTC)
        check_update(update, now)
        answers = self._store.predictions.about(id_)
        effect: UpsertEffect = "unchanged"
        merged = merge_update(None, update, now)

        def decide(stored: tuple[TrackedIncident, ...]) -> Revision | None:
            nonlocal effect, merged
            known = next(iter(stored), None)
            merged = merge_update(known, update, now)
            effect = _effect(known, merged, update)
            if effect == "outdated":
                return None
            check_merged(merged.incident, update)
            return Revision(
                (merged,),
                update.author,
                now,
                update.actor,
                labels=labels_from_outcome(
                    id_,
                    merged.incident.outcome,
                    known=Outcome() if known is None else known.incident.outcome,
                    answers=answers,
                    now=now,
                ),
                triaged=(id_,) if queued and _needs_triage(known, merged) else (),
                request_id=request_id,
            )

        revision = self._store.tracked.revise(id_, decide)
        if revision is not None and revision.labels:
            self._on_labels(revision.labels)
        return UpsertResult(effect, merged, self._store.incidents.revision())

    def get(self, id: str) -> ResolvedIncident:  # noqa: A002
        """Return an incident by its id as sent or as stored; one that was only triaged is open.

        Raises `UnknownIncident`.
        """
        return self.get_tracked(id).incident

    def get_tracked(self, id: str) -> TrackedIncident:  # noqa: A002
        """Return an incident as `get` does, with all that is kept beside it."""
        for stored_id in self._stored_ids(id):
            tracked = self._store.tracked.get(stored_id)
            if tracked is not None:
                return tracked
            report = self._store.predictions.triaged_report(stored_id)
            if report is not None:
                return TrackedIncident(ResolvedIncident(report, Outcome()))
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


def _effect(
    known: TrackedIncident | None, merged: TrackedIncident, update: IncidentUpdate
) -> UpsertEffect:
    if known is None:
        return "created"
    if is_outdated(known, update):
        return "outdated"
    return "unchanged" if merged.incident == known.incident else "updated"


def _needs_triage(known: TrackedIncident | None, merged: TrackedIncident) -> bool:
    is_known = known is not None and known.incident.report == merged.incident.report
    return merged.incident.outcome.is_open and not is_known


def _unknown(id: str) -> UnknownIncident:  # noqa: A002
    return UnknownIncident(f"no incident {id!r} was stored or triaged")

"""The part of the store that learns from use: labels, the audit log, shadows and monitoring."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from features.domain.audit_event import AuditEvent
from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.history import DatasetMetadata
from features.domain.labels import LabelRecord
from features.domain.monitoring import MonitoringReport
from features.domain.predictions import (
    AuditedAnswer,
    PredictionRecord,
    PredictionSummary,
    ShadowPair,
    ShadowRecord,
)
from features.store.database import Database
from features.store.learning.answer_queries import (
    select_answers_between,
    select_audited,
    select_newest_answers,
    select_unlabelled,
)
from features.store.learning.certificate_withdrawals import insert_withdrawal, select_withdrawals
from features.store.learning.dataset_metadata import (
    select_dataset_metadata,
    upsert_dataset_metadata,
)
from features.store.learning.labels import count_labels_since, insert_labels, select_labels
from features.store.learning.monitoring_reports import select_latest_monitoring, upsert_monitoring
from features.store.learning.predictions import select_predictions_about
from features.store.learning.shadow_predictions import insert_shadows, select_shadow_pairs
from features.store.operations.audit_log import insert_event, select_events
from features.store.sequences import lock_tenant


class LearningStore:
    """What one tenant's answers taught, in the database that its incidents are in.

    None of this moves the incidents' revision, for it is not searched. Every method raises
    `StoreUnavailable` as those of `IncidentStore` do.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    def record_labels(self, records: Sequence[LabelRecord]) -> None:
        """Append the labels, all or none; one that repeats what was said last is left out."""
        if not records:
            return
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            insert_labels(connection, self._tenant, records)

    def labels(
        self,
        *,
        target: str | None = None,
        incident_ids: Collection[str] | None = None,
        until: datetime | None = None,
    ) -> tuple[LabelRecord, ...]:
        """Return every label that meets the conditions, oldest first; `until` is included."""
        with self._database.read() as connection:
            return select_labels(
                connection, self._tenant, target=target, incident_ids=incident_ids, until=until
            )

    def count_labels_since(self, moment: datetime) -> int:
        """Return of how many labels we learned after a moment, but for our own echoes."""
        with self._database.read() as connection:
            return count_labels_since(connection, self._tenant, moment)

    def audited_answers(self, target: str | None = None) -> tuple[AuditedAnswer, ...]:
        """Return the answers that were drawn into the audit sample, oldest first.

        Of each incident, target and version only the first, with what a person decided since.
        """
        with self._database.read() as connection:
            return select_audited(connection, self._tenant, target)

    def answers_between(
        self, start: datetime, end: datetime, target: str | None = None
    ) -> tuple[PredictionSummary, ...]:
        """Return what was answered from start until before end, oldest first."""
        with self._database.read() as connection:
            return select_answers_between(connection, self._tenant, start, end, target)

    def predictions_about(
        self, incident_id: str, until: datetime | None = None
    ) -> tuple[PredictionRecord, ...]:
        """Return all that was answered about an incident, newest first; `until` is included."""
        with self._database.read() as connection:
            return select_predictions_about(connection, self._tenant, incident_id, until)

    def newest_answers(
        self, incident_ids: Collection[str]
    ) -> Mapping[tuple[str, str], PredictionSummary]:
        """Return the newest answer about each of the incidents, by incident and target.

        It reads through all that was ever answered, and is for many incidents at once.
        """
        if not incident_ids:
            return {}
        with self._database.read() as connection:
            return select_newest_answers(connection, self._tenant, incident_ids)

    def unlabelled(
        self, target: str, *, since: datetime | None, limit: int
    ) -> tuple[PredictionSummary, ...]:
        """Return the newest answer about each stored incident without label, least sure first.

        It has neither a person's label nor a final state for the target, and was last answered
        since then (None: at any time).
        """
        with self._database.read() as connection:
            return select_unlabelled(connection, self._tenant, target, since=since, limit=limit)

    def withdraw(self, withdrawal: CertificateWithdrawal) -> bool:
        """Keep that a certificate is withdrawn; False when it was so before."""
        with self._database.write() as connection:
            return insert_withdrawal(connection, self._tenant, withdrawal)

    def withdrawals(self) -> tuple[CertificateWithdrawal, ...]:
        """Return every withdrawal, oldest first."""
        with self._database.read() as connection:
            return select_withdrawals(connection, self._tenant)

    def append_event(self, event: AuditEvent) -> None:
        """Add an entry to the audit log, from where it can never be taken."""
        with self._database.write() as connection:
            insert_event(connection, self._tenant, event)

    def events(
        self,
        *,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
    ) -> tuple[AuditEvent, ...]:
        """Return the entries of the audit log, oldest first; both times are included."""
        with self._database.read() as connection:
            return select_events(
                connection, self._tenant, target=target, since=since, until=until, action=action
            )

    def record_shadows(self, records: Sequence[ShadowRecord]) -> None:
        """Add what challengers would have answered, all or none."""
        if not records:
            return
        with self._database.write() as connection:
            insert_shadows(connection, self._tenant, records)

    def shadow_pairs(self, target: str, version: str) -> tuple[ShadowPair, ...]:
        """Return a challenger's answers beside the champion's, oldest first."""
        with self._database.read() as connection:
            return select_shadow_pairs(connection, self._tenant, target, version)

    def keep_monitoring(self, monitoring: MonitoringReport) -> None:
        """Keep what a look at the models in production found."""
        with self._database.write() as connection:
            upsert_monitoring(connection, self._tenant, monitoring)

    def latest_monitoring(self) -> MonitoringReport | None:
        """Return what the last look found, None before the first."""
        with self._database.read() as connection:
            return select_latest_monitoring(connection, self._tenant)

    def save_dataset_metadata(self, facts: DatasetMetadata) -> None:
        """Keep what a mapping said of a history, in place of what was kept before."""
        with self._database.write() as connection:
            upsert_dataset_metadata(connection, self._tenant, facts)

    def history_facts(self) -> DatasetMetadata | None:
        """Return what is known of the history that was trained on last, None before any."""
        with self._database.read() as connection:
            return select_dataset_metadata(connection, self._tenant)

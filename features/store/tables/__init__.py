"""The tables of the store; each row belongs to a tenant."""

from features.store.tables.base import SCHEMA_REVISION, VERSION_TABLE, Base
from features.store.tables.incidents import (
    AnomalyRow,
    ChangeRow,
    DeletionRow,
    IncidentRow,
    RevisionRow,
    RunbookRevisionRow,
    RunbookRow,
    SeriesRow,
)
from features.store.tables.learning import (
    DatasetMetadataRow,
    FeedbackRow,
    LabelRatesRow,
    LabelRow,
    MonitoringReportRow,
    PredictionRow,
    ShadowRow,
    SuspensionRow,
    WithdrawalRow,
)
from features.store.tables.operations import AuditEventRow, LeaseRow, ModeRow
from features.store.tables.tracking import (
    AlertRow,
    HeartbeatRow,
    IdempotencyKeyRow,
    IncidentVersionRow,
    StormLinkRow,
    TrackingRow,
    TriagedReportRow,
    TriageQueueRow,
)

__all__ = [
    "SCHEMA_REVISION",
    "VERSION_TABLE",
    "AlertRow",
    "AnomalyRow",
    "AuditEventRow",
    "Base",
    "ChangeRow",
    "DatasetMetadataRow",
    "DeletionRow",
    "FeedbackRow",
    "HeartbeatRow",
    "IdempotencyKeyRow",
    "IncidentRow",
    "IncidentVersionRow",
    "LabelRatesRow",
    "LabelRow",
    "LeaseRow",
    "ModeRow",
    "MonitoringReportRow",
    "PredictionRow",
    "RevisionRow",
    "RunbookRevisionRow",
    "RunbookRow",
    "SeriesRow",
    "ShadowRow",
    "StormLinkRow",
    "SuspensionRow",
    "TrackingRow",
    "TriageQueueRow",
    "TriagedReportRow",
    "WithdrawalRow",
]

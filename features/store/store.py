"""The store of one tenant: a repository for each kind of record, in one database."""

from contextlib import AbstractContextManager
from typing import Self

from features.home import Home, HomeSettings
from features.store.database import Database
from features.store.incidents.anomalies import AnomalyRepository
from features.store.incidents.breach_warnings import BreachWarningRepository
from features.store.incidents.changes import ChangeRepository
from features.store.incidents.heartbeats import HeartbeatRepository
from features.store.incidents.incident_search import InboxRepository
from features.store.incidents.incidents import IncidentRepository
from features.store.incidents.openings import OpeningRepository
from features.store.incidents.runbooks import RunbookRepository
from features.store.incidents.series_routines import SeriesRoutineRepository
from features.store.incidents.series_states import SeriesStateRepository
from features.store.incidents.storm_links import StormLinkRepository
from features.store.incidents.telemetry import TelemetryRepository
from features.store.incidents.tracked_incidents import TrackedIncidentRepository
from features.store.learning.certificate_withdrawals import CertificateWithdrawalRepository
from features.store.learning.dataset_metadata import DatasetMetadataRepository
from features.store.learning.feedback import FeedbackRepository
from features.store.learning.label_rates import LabelRatesRepository
from features.store.learning.labels import LabelRepository
from features.store.learning.monitoring_reports import MonitoringReportRepository
from features.store.learning.predictions import PredictionRepository
from features.store.learning.shadow_predictions import ShadowPredictionRepository
from features.store.learning.suspensions import SuspensionRepository
from features.store.migrate import migrate
from features.store.operations.audit_log import AuditLogRepository
from features.store.operations.ended_sessions import EndedSessionRepository
from features.store.operations.idempotency_keys import IdempotencyKeyRepository
from features.store.operations.leases import LeaseRepository
from features.store.operations.modes import ModeRepository
from features.store.operations.triage_queue import TriageQueueRepository


class Store:
    """All stored data of one tenant, in a database that many processes can share.

    The database is opened when one of the repositories is first used.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self.incidents = IncidentRepository(database, tenant)
        self.tracked = TrackedIncidentRepository(database, tenant)
        self.storm_links = StormLinkRepository(database, tenant)
        self.heartbeats = HeartbeatRepository(database, tenant)
        self.triage_queue = TriageQueueRepository(database, tenant)
        self.inbox = InboxRepository(database, tenant)
        self.openings = OpeningRepository(database, tenant)
        self.runbooks = RunbookRepository(database, tenant)
        self.changes = ChangeRepository(database, tenant)
        self.anomalies = AnomalyRepository(database, tenant)
        self.series_states = SeriesStateRepository(database, tenant)
        self.breach_warnings = BreachWarningRepository(database, tenant)
        self.series_routines = SeriesRoutineRepository(database, tenant)
        self.telemetry = TelemetryRepository(database, tenant)
        self.predictions = PredictionRepository(database, tenant)
        self.labels = LabelRepository(database, tenant)
        self.feedback = FeedbackRepository(database, tenant)
        self.shadow_predictions = ShadowPredictionRepository(database, tenant)
        self.certificate_withdrawals = CertificateWithdrawalRepository(database, tenant)
        self.suspensions = SuspensionRepository(database, tenant)
        self.label_rates = LabelRatesRepository(database, tenant)
        self.monitoring_reports = MonitoringReportRepository(database, tenant)
        self.dataset_metadata = DatasetMetadataRepository(database, tenant)
        self.audit_log = AuditLogRepository(database, tenant)
        self.idempotency_keys = IdempotencyKeyRepository(database, tenant)
        self.modes = ModeRepository(database, tenant)
        self.ended_sessions = EndedSessionRepository(database, tenant)
        self.leases = LeaseRepository(database, tenant)

    def writes_work(self) -> bool:
        """Return at once whether the last write succeeded; it fails, for instance, on a full disk.

        If that was not tried lately, a write is tried in the background, for the next call.
        """
        return self._database.write_check.works()

    def one_state(self) -> AbstractContextManager[None]:
        """Let all reads of a block see one state of the store; see `Database.one_state`."""
        return self._database.one_state()

    @property
    def name(self) -> str:
        """The URL of the database, without its password."""
        return self._database.name

    def close(self) -> None:
        """Close the connections; new ones are opened if the store is used again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_store(url: str, tenant: str = "default") -> Store:
    """Open the store at a database URL, creating or upgrading its tables.

    The URL is `sqlite:///FILE` (its folder must exist) or `postgresql://USER@HOST/NAME`. Raises
    `StoreUnavailable` if the database cannot be opened or was written by a newer version.

    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> with open_store("sqlite://") as store:
    ...     report = IncidentReport(id="INC1", title="VPN down")
    ...     store.incidents.upsert([ResolvedIncident(report, Outcome(category="Network"))])
    ...     store.incidents.get("INC1").outcome.category
    1
    'Network'
    """
    database = Database(url)
    migrate(database)
    return Store(database, tenant)


def open_home_store(settings: HomeSettings, home: Home) -> Store:
    """Open the store at the settings' `database_url`, or else the SQLite store in the home.

    Raises `StoreUnavailable`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     settings = HomeSettings(home=folder)
    ...     with open_home_store(settings, Home(settings.home)) as store:
    ...         store.incidents.count()
    0
    """
    return open_store(settings.database_url or home.database_url, settings.tenant)

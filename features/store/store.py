"""The store: the incidents and runbooks of one tenant, what was answered, and what was said."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Self

from sqlalchemy import func, select

from features.domain.feedback import FeedbackRecord
from features.domain.labels import LabelRecord
from features.domain.modes import Modes, ModeSetting
from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from features.domain.runbook import Runbook
from features.errors import StoreUnavailable
from features.store.database import Database
from features.store.incidents.erasure import forget_incident
from features.store.incidents.incident_search import InboxPage, InboxQuery, select_inbox
from features.store.incidents.incidents import (
    delete_incident,
    incident_from,
    select_begun_with,
    select_incidents,
    upsert_incidents,
)
from features.store.incidents.runbooks import RunbookChanges, replace_all_runbooks, select_runbooks
from features.store.learning.feedback import select_dismissed, select_feedback, upsert_feedback
from features.store.learning.labels import insert_labels
from features.store.learning.predictions import (
    insert_predictions,
    select_latest_predictions,
    select_prediction,
)
from features.store.learning_store import LearningStore
from features.store.migrate import upgrade
from features.store.operations.modes import delete_modes, select_modes, upsert_mode
from features.store.revisions import Changes, Revised, move_revision, select_revision
from features.store.sequences import lock_tenant
from features.store.tables import DeletionRow, IncidentRow, RevisionRow, RunbookRevisionRow
from features.store.telemetry_store import TelemetryStore

_ROWS_AT_ONCE = 1_000
_EPISODES_SEEN = 50


class IncidentStore:
    """What is known of one tenant, kept in a database that many processes share.

    Each write of incidents moves the tenant's revision on by one. A process that holds an index
    compares `revision()` with its own and catches up by `changes_since`. Every method raises
    `StoreUnavailable` when the database is missing, busy beyond its time limit, full or damaged.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self.telemetry = TelemetryStore(database, tenant)
        self.learning = LearningStore(database, tenant)

    def upsert(
        self, incidents: Sequence[ResolvedIncident], labels: Sequence[LabelRecord] = ()
    ) -> int:
        """Add or replace the incidents by id, all or none, and return the new revision.

        An unresolved incident has an empty outcome. One that is stored just so already is left as
        it is, and so is no change to others. The `labels` that their outcomes bring are kept with
        them, or neither is.
        """
        if not incidents:
            return self.revision()
        with self._database.write() as connection:
            revision = move_revision(connection, RevisionRow, self._tenant)
            upsert_incidents(connection, self._tenant, incidents, revision)
            if labels:
                insert_labels(connection, self._tenant, labels)
        return revision

    def revise(
        self, prefix: str, decide: Callable[[tuple[ResolvedIncident, ...]], ResolvedIncident | None]
    ) -> Revised:
        """Decide which incident is meant among those whose ids begin so, and write it if it is new.

        `decide` gets the latest of them, oldest first, and answers with one of them, with what is
        to be written, or with None. Nobody else writes meanwhile, so that of two processes that
        are told the same only one acts.
        """
        with self._database.write() as connection:
            # Locks, and is moved on only by what is written.
            move_revision(connection, RevisionRow, self._tenant, by=0)
            query = select_begun_with(self._tenant, prefix).limit(_EPISODES_SEEN)
            found = [incident_from(row) for row in connection.execute(query)]
            decided = decide(tuple(reversed(found)))
            is_new = decided is not None and decided not in found
            if decided is not None and is_new:
                revision = move_revision(connection, RevisionRow, self._tenant)
                upsert_incidents(connection, self._tenant, [decided], revision)
        return Revised(decided, is_new)

    def delete(self, id: str) -> bool:  # noqa: A002
        """Remove the incident for good; False when nothing is known of it.

        With it goes what was answered and said about it, and the entries of other answers that
        name it. Only its id is remembered; another incident may go on to be its duplicate.
        """
        with self._database.write() as connection:
            revision = move_revision(connection, RevisionRow, self._tenant)
            was_stored = delete_incident(connection, self._tenant, id, revision)
            was_answered = forget_incident(connection, self._tenant, id)
        # What is deleted is deleted, whatever keeps the log from being emptied.
        with suppress(StoreUnavailable):
            self._database.empty_log()
        return was_stored or was_answered

    def get(self, id: str) -> ResolvedIncident | None:  # noqa: A002
        """Return the incident, or None."""
        with self._database.read() as connection:
            row = connection.execute(
                select_incidents(self._tenant).where(IncidentRow.id == id)
            ).one_or_none()
        return None if row is None else incident_from(row)

    def find(self, ids: Sequence[str]) -> dict[str, ResolvedIncident]:
        """Return those of the incidents that exist, by id."""
        query = select_incidents(self._tenant).where(IncidentRow.id.in_(ids))
        with self._database.read() as connection:
            found = [incident_from(row) for row in connection.execute(query)]
        return {incident.report.id: incident for incident in found}

    def count_duplicates(self, id: str) -> int:  # noqa: A002
        """Return how many incidents are duplicates of one."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant,
            IncidentRow.duplicate_of == id,
            IncidentRow.id != id,
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def with_runbook(self, *, limit: int) -> tuple[ResolvedIncident, ...]:
        """Return the incidents whose outcome names a runbook, those written last first."""
        query = (
            select_incidents(self._tenant)
            .where(IncidentRow.runbook_id.is_not(None))
            .order_by(IncidentRow.revision.desc(), IncidentRow.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(incident_from(row) for row in connection.execute(query))

    def count(self) -> int:
        """Return the number of incidents."""
        query = select(func.count()).where(IncidentRow.tenant == self._tenant)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def incidents(self) -> Iterator[ResolvedIncident]:
        """Yield every incident by time of opening, then id; those of unknown time come first.

        The iteration sees one state and holds a connection until it ends.
        """
        query = select_incidents(self._tenant).order_by(
            IncidentRow.opened_at.nulls_first(), IncidentRow.id
        )
        with self._database.read() as connection:
            options = {"yield_per": _ROWS_AT_ONCE}
            for row in connection.execute(query, execution_options=options):
                yield incident_from(row)

    def inbox(self, query: InboxQuery) -> InboxPage:
        """Return a page of incidents, newest first, that meet the query."""
        with self._database.read() as connection:
            return select_inbox(connection, self._tenant, query)

    def revision(self) -> int:
        """Return the number of writes so far: 0 for a new store."""
        with self._database.read() as connection:
            return select_revision(connection, RevisionRow, self._tenant)

    def changes_since(self, revision: int) -> Changes:
        """Return what changed after the revision, oldest change first; since 0 that is all."""
        upserted = (
            select_incidents(self._tenant)
            .where(IncidentRow.revision > revision)
            .order_by(IncidentRow.revision, IncidentRow.id)
        )
        deleted = (
            select(DeletionRow.id)
            .where(DeletionRow.tenant == self._tenant, DeletionRow.revision > revision)
            .order_by(DeletionRow.revision)
        )
        with self._database.read() as connection:
            return Changes(
                select_revision(connection, RevisionRow, self._tenant),
                tuple(incident_from(row) for row in connection.execute(upserted)),
                tuple(connection.scalars(deleted)),
            )

    def deleted_since(self, revision: int) -> frozenset[str]:
        """Return the ids that were deleted after the revision and were not written again."""
        query = select(DeletionRow.id).where(
            DeletionRow.tenant == self._tenant, DeletionRow.revision > revision
        )
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def count_changes(self, revision: int) -> int:
        """Return how many incidents were written after the revision and are still there."""
        query = select(func.count()).where(
            IncidentRow.tenant == self._tenant, IncidentRow.revision > revision
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def record_predictions(self, records: Sequence[PredictionRecord]) -> None:
        """Add what was answered, all or none. The revision stays: predictions are not searched."""
        if not records:
            return
        with self._database.write() as connection:
            insert_predictions(connection, self._tenant, records)

    def prediction(self, prediction_id: str) -> tuple[PredictionRecord, ...]:
        """Return what was answered under that id, one record for each target; empty if unknown."""
        with self._database.read() as connection:
            return select_prediction(connection, self._tenant, prediction_id)

    def latest_predictions(
        self, incident_ids: Sequence[str]
    ) -> Mapping[str, tuple[PredictionRecord, ...]]:
        """Return the newest answer about each incident that has one, a record for each target."""
        with self._database.read() as connection:
            return select_latest_predictions(connection, self._tenant, incident_ids)

    def give_feedback(self, record: FeedbackRecord, labels: Sequence[LabelRecord] = ()) -> None:
        """Keep what somebody said, in place of what they said of the same thing before.

        The `labels` that this makes are kept with it, or neither is. Raises `ValueError` for an
        action that there is not. The revision stays.
        """
        with self._database.write() as connection:
            upsert_feedback(connection, self._tenant, record)
            if labels:
                lock_tenant(connection, self._tenant)
                insert_labels(connection, self._tenant, labels)

    def feedback(
        self, target: str | None = None, incident_id: str | None = None
    ) -> tuple[FeedbackRecord, ...]:
        """Return what was said, oldest first, of everything or of one target or incident."""
        with self._database.read() as connection:
            return select_feedback(connection, self._tenant, target=target, incident_id=incident_id)

    def dismissed(self, incident_id: str) -> frozenset[str]:
        """Return the ids of what people said has nothing to do with an incident."""
        with self._database.read() as connection:
            return select_dismissed(connection, self._tenant, incident_id)

    def replace_runbooks(
        self, runbooks: Sequence[Runbook], *, keep: Collection[str] = ()
    ) -> RunbookChanges:
        """Make the given runbooks all that there are, and tell what that changed.

        Stored ones whose ids are in `keep` stay too, and after an entry that ends in a slash all
        whose ids begin so. Those that are equal stay untouched, and the runbooks' own revision
        moves only when others are not.
        """
        with self._database.write() as connection:
            return replace_all_runbooks(connection, self._tenant, runbooks, keep)

    def runbooks(self) -> tuple[Runbook, ...]:
        """Return every runbook, ordered by id."""
        with self._database.read() as connection:
            return select_runbooks(connection, self._tenant)

    def runbook_revision(self) -> int:
        """Return how often the runbooks changed so far: 0 for a new store."""
        with self._database.read() as connection:
            return select_revision(connection, RunbookRevisionRow, self._tenant)

    def modes(self) -> Modes:
        """Return what the owner allows."""
        with self._database.read() as connection:
            return select_modes(connection, self._tenant)

    def set_mode(self, setting: ModeSetting) -> None:
        """Set the mode of a target or of one label.

        That of a whole target is the most that its labels keep: what allows more is forgotten. The
        revision stays: modes are not searched.
        """
        with self._database.write() as connection:
            upsert_mode(connection, self._tenant, setting)

    def reset_modes(self) -> int:
        """Return every target and label to the default mode; tell how many settings there were."""
        with self._database.write() as connection:
            return delete_modes(connection, self._tenant)

    def ping(self) -> None:
        """Ask the database for a sign of life; raises `StoreUnavailable` when none comes."""
        self.revision()

    def close(self) -> None:
        """Close the connections; the store opens new ones if it is used again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_store(url: str, tenant: str = "default") -> IncidentStore:
    """Open the store at a database URL, creating or upgrading its tables.

    The URL is `sqlite:///FILE` (its folder must exist) or `postgresql://USER@HOST/NAME`. Raises
    `StoreUnavailable` when it cannot be opened or was written by a newer version.

    >>> from features.domain.report import IncidentReport, Outcome
    >>> with open_store("sqlite://") as store:
    ...     report = IncidentReport(id="INC1", title="VPN down")
    ...     store.upsert([ResolvedIncident(report, Outcome(category="Network"))])
    ...     store.get("INC1").outcome.category
    1
    'Network'
    """
    database = Database(url)
    upgrade(database)
    return IncidentStore(database, tenant)

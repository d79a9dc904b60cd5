"""The queue of incidents that wait to be triaged, in the store, so that a crash loses none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update

from features.store.counters import lock_tenant
from features.store.database import Insert, insert_of
from features.store.repository import Repository
from features.store.tables import TriageQueueRow


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A request to triage an incident, not before `due_at`."""

    incident_id: str
    request_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class QueuedTriage:
    """An incident that a worker took from the queue.

    `requests` is how often a triage was requested; `attempts` is how often a worker took the
    incident since the last request that was answered.
    """

    incident_id: str
    request_id: str
    requests: int
    attempts: int


class TriageQueueRepository(Repository):
    """The incidents of one tenant that wait to be triaged, each at most once.

    >>> from datetime import UTC
    >>> from features.store.store import open_store
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> with open_store("sqlite://") as store:
    ...     store.triage_queue.add("INC1", "request-1", noon)
    ...     (queued,) = store.triage_queue.take(10, now=noon, hold_seconds=60)
    ...     store.triage_queue.finish(queued)
    ...     queued.incident_id, store.triage_queue.count()
    ('INC1', 0)
    """

    def add(self, incident_id: str, request_id: str, now: datetime) -> None:
        """Queue an incident; one that already waits is triaged once for all requests."""
        with self._database.write() as connection:
            enqueue(connection, self._tenant, [QueueEntry(incident_id, request_id, now)])

    def take(self, limit: int, *, now: datetime, hold_seconds: float) -> tuple[QueuedTriage, ...]:
        """Take up to `limit` due incidents; another worker gets them if none finishes in time."""
        due = (TriageQueueRow.tenant == self._tenant, TriageQueueRow.due_at <= now)
        query = (
            select(
                TriageQueueRow.incident_id,
                TriageQueueRow.request_id,
                TriageQueueRow.requests,
                TriageQueueRow.attempts + 1,
            )
            .where(*due)
            .order_by(TriageQueueRow.due_at, TriageQueueRow.incident_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            if connection.execute(query.limit(1)).one_or_none() is None:
                return ()
        with self._database.write() as connection:
            lock_tenant(connection, self._tenant)
            taken = tuple(QueuedTriage(*row) for row in connection.execute(query))
            connection.execute(
                update(TriageQueueRow)
                .where(
                    TriageQueueRow.tenant == self._tenant,
                    TriageQueueRow.incident_id.in_([queued.incident_id for queued in taken]),
                )
                .values(
                    attempts=TriageQueueRow.attempts + 1,
                    due_at=now + timedelta(seconds=hold_seconds),
                )
            )
        return taken

    def finish(self, queued: QueuedTriage) -> None:
        """Remove an answered incident, unless it was requested again in the meantime."""
        with self._database.write() as connection:
            connection.execute(
                delete(TriageQueueRow).where(
                    *self._is(queued.incident_id), TriageQueueRow.requests == queued.requests
                )
            )

    def postpone(self, queued: QueuedTriage, until: datetime) -> None:
        """Let an incident wait that could not be answered."""
        with self._database.write() as connection:
            connection.execute(
                update(TriageQueueRow).where(*self._is(queued.incident_id)).values(due_at=until)
            )

    def waiting(self, incident_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these incidents that wait."""
        query = select(TriageQueueRow.incident_id).where(
            TriageQueueRow.tenant == self._tenant, TriageQueueRow.incident_id.in_(incident_ids)
        )
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def count(self) -> int:
        """Return the number of incidents that wait."""
        query = select(func.count()).where(TriageQueueRow.tenant == self._tenant)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _is(self, incident_id: str) -> tuple[ColumnElement[bool], ...]:
        return (
            TriageQueueRow.tenant == self._tenant,
            TriageQueueRow.incident_id == incident_id,
        )


def enqueue(connection: Connection, tenant: str, requests: Sequence[QueueEntry]) -> None:
    """Queue incidents in a running transaction; see `TriageQueueRepository.add`.

    An incident that already waits keeps the earlier of the two times at which it is due.
    """
    if not requests:
        return
    connection.execute(
        _request(connection.dialect.name),
        [
            {
                "tenant": tenant,
                "incident_id": request.incident_id,
                "request_id": request.request_id,
                "requests": 1,
                "attempts": 0,
                "due_at": request.due_at,
            }
            for request in requests
        ],
    )


@cache
def _request(dialect: str) -> Insert:
    """Return the statement that requests a triage, also of an incident that waits already."""
    statement = insert_of(dialect, TriageQueueRow)
    new = statement.excluded
    due_at = case((TriageQueueRow.due_at < new.due_at, TriageQueueRow.due_at), else_=new.due_at)
    return statement.on_conflict_do_update(
        index_elements=["tenant", "incident_id"],
        set_={
            "request_id": new.request_id,
            "attempts": 0,
            "due_at": due_at,
            "requests": TriageQueueRow.requests + 1,
        },
    )

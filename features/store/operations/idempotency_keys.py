"""The repository of idempotency keys: a request that is sent again gets its first answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import IdempotencyKeyRow

KEPT = timedelta(hours=24)
"""How long an answer is kept."""
MOST_RUNNING = timedelta(minutes=1)
"""How long a request may run; after this time its process counts as crashed."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that was sent with a key: its path with the query, and the hash of its body."""

    key: str
    path: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class KeyedAnswer:
    """The answer to a request that was sent with a key."""

    status_code: int
    response: str
    content_type: str


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """The first request that was sent with a key; its answer is None while it runs."""

    request: KeyedRequest
    answer: KeyedAnswer | None


class IdempotencyKeyRepository(Repository):
    """The idempotency keys of one tenant; all processes that share the store see them.

    >>> from datetime import UTC
    >>> from features.store.store import open_store
    >>> noon, request = datetime(2026, 3, 2, 12, tzinfo=UTC), KeyedRequest("k-1", "/v1/triage", "")
    >>> with open_store("sqlite://") as store:
    ...     first = store.idempotency_keys.begin(request, noon)
    ...     store.idempotency_keys.finish(request, noon, KeyedAnswer(200, "{}", "application/json"))
    ...     first, store.idempotency_keys.begin(request, noon).answer.status_code
    (None, 200)
    """

    def begin(self, request: KeyedRequest, now: datetime) -> EarlierRequest | None:
        """Begin a request; if another one has its key, return that one and begin nothing.

        A single statement checks and takes the key, so only one of two simultaneous requests
        begins. Expired keys, and those of processes that crashed, are deleted first.
        """
        with self._database.write() as connection:
            self._delete_expired(connection, request.key, now)
            statement = insert_into(connection, IdempotencyKeyRow).values(
                tenant=self._tenant,
                key=request.key,
                path=request.path,
                body_sha256=request.body_sha256,
                started_at=now,
            )
            key = IdempotencyKeyRow.key
            begun = statement.on_conflict_do_nothing(index_elements=["tenant", "key"])
            if connection.execute(begun.returning(key)).one_or_none() is not None:
                return None
            return self._earlier(connection, request.key)

    def finish(self, request: KeyedRequest, begun_at: datetime, answer: KeyedAnswer) -> None:
        """Keep the answer to a request that began at this time."""
        with self._database.write() as connection:
            connection.execute(
                update(IdempotencyKeyRow)
                .where(*self._is(request.key), IdempotencyKeyRow.started_at == begun_at)
                .values(
                    status_code=answer.status_code,
                    response=answer.response,
                    content_type=answer.content_type,
                )
            )

    def release(self, request: KeyedRequest, begun_at: datetime) -> None:
        """Let the next request with the same key begin, because this one has failed."""
        with self._database.write() as connection:
            connection.execute(
                delete(IdempotencyKeyRow).where(
                    *self._is(request.key), IdempotencyKeyRow.started_at == begun_at
                )
            )

    def _is(self, key: str) -> tuple[ColumnElement[bool], ...]:
        return IdempotencyKeyRow.tenant == self._tenant, IdempotencyKeyRow.key == key

    def _delete_expired(self, connection: Connection, key: str, now: datetime) -> None:
        is_crashed = (
            (IdempotencyKeyRow.key == key)
            & IdempotencyKeyRow.status_code.is_(None)
            & (IdempotencyKeyRow.started_at <= now - MOST_RUNNING)
        )
        is_expired = IdempotencyKeyRow.started_at <= now - KEPT
        connection.execute(
            delete(IdempotencyKeyRow).where(
                IdempotencyKeyRow.tenant == self._tenant, or_(is_crashed, is_expired)
            )
        )

    def _earlier(self, connection: Connection, key: str) -> EarlierRequest:
        columns = IdempotencyKeyRow.__table__.c
        row = connection.execute(select(*columns).where(*self._is(key))).one()
        answer = None
        if row.status_code is not None:
            answer = KeyedAnswer(row.status_code, row.response or "", row.content_type or "")
        return EarlierRequest(KeyedRequest(row.key, row.path, row.body_sha256), answer)

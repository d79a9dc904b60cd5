"""Reads the missing points of each query in chunks; a failing query does not delay others."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from features.timeseries.time_grid import Times, floor_to_slot, slots
from serving.runtime.http_client import AnswerTooLarge, RequestFailed
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.prometheus import Matrix, PrometheusClient
from serving.watch.watched_query import WatchedQuery

MOST_SLOTS = 11_000
MOST_POINTS = 1_000_000
_THREADS = 4


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer of Prometheus for some slots of a query."""

    query: WatchedQuery
    times: Times
    matrix: Matrix


class QueryReader:
    """Reads one query up to the latest slot, in chunks of limited size.

    Reading continues after the last slot that was read, but begins at most `history_days` ago. A
    new query is read from `history_days` ago on. Each failure halves the number of slots that a
    chunk may have; each success doubles it again, up to `MOST_SLOTS`. `ahead` is the chunk after
    the last one, which is read while that is scored.
    """

    def __init__(
        self,
        query: WatchedQuery,
        client: PrometheusClient,
        history_days: float,
        count_failure: Callable[[str], Callable[[], None]],
    ) -> None:
        self.query = query
        fields = {"query": query.name}
        self.reading = CircuitBreaker("a query", fields, count_failure("prometheus"))
        self.scoring = CircuitBreaker("scoring a query", fields, count_failure("scoring"))
        self._client = client
        self._history_seconds = history_days * 86_400
        self._most_slots = MOST_SLOTS
        self._series: int | None = None
        self.ahead: Future[QueryResult | None] | None = None

    @property
    def retry_at(self) -> float:
        """The time of the next try; 0 without a failure."""
        return max(self.reading.retry_at, self.scoring.retry_at)

    def is_due(self, latest: int, now: float) -> bool:
        """Return whether slots are missing and no earlier failure delays reading them."""
        is_ready = self.reading.is_ready(now) and self.scoring.is_ready(now)
        return is_ready and self.behind(latest) > 0

    def behind(self, latest: int) -> int:
        """Return how many slots are missing up to and including the slot `latest`."""
        return max(0, (latest - self._first(latest)) // self.query.step_seconds + 1)

    def read(self, latest: int) -> QueryResult:
        """Return the result for the next chunk; raises `RequestFailed`."""
        try:
            if self._series is None:
                self._series = self._count(latest)
            result = self._read_ahead(latest) or self._read_chunk(self._first(latest), latest)
        except RequestFailed:
            self._most_slots = max(1, self._most_slots // 2)
            raise
        self._most_slots = min(MOST_SLOTS, 2 * self._most_slots)
        self._series = len(result.matrix.labels)
        return result

    def read_after(self, result: QueryResult, latest: int) -> QueryResult | None:
        """Return the result for the chunk after another, None if it cannot be read."""
        try:
            return self._read_chunk(int(result.times[-1]) + self.query.step_seconds, latest)
        except RequestFailed:
            return None

    def _read_ahead(self, latest: int) -> QueryResult | None:
        """Return what was read ahead, if it is still what comes next."""
        ahead, self.ahead = self.ahead, None
        result = None if ahead is None else ahead.result()
        is_next = result is not None and int(result.times[0]) == self._first(latest)
        return result if is_next else None

    def _read_chunk(self, first: int, latest: int) -> QueryResult:
        step = self.query.step_seconds
        most = min(self._most_slots, max(1, MOST_POINTS // max(1, self._series or 0)))
        while True:
            times = slots(first, min(latest, first + (most - 1) * step), step)
            query_times = self.query.times_to_read(times)
            try:
                matrix = self._client.read(self.query.config.query, query_times, step)
            except AnswerTooLarge:
                if most == 1:
                    raise
                most //= 2
            else:
                return QueryResult(self.query, times, matrix)

    def _count(self, latest: int) -> int:
        # The number of series decides how many slots the first chunk may have.
        last_slot = slots(latest, latest, self.query.step_seconds)
        matrix = self._client.read(self.query.config.query, last_slot, self.query.step_seconds)
        return max(len(matrix.labels), len(self.query.keys))

    def _first(self, latest: int) -> int:
        step = self.query.step_seconds
        oldest = floor_to_slot(latest - self._history_seconds, step)
        if self.query.seen_until is None:
            return oldest
        return max(oldest, self.query.seen_until + step)


class QueryReaders:
    """Reads all queries of a watch in a few threads."""

    def __init__(self, readers: Iterable[QueryReader]) -> None:
        self.all = tuple(readers)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")

    def read_due(self, latest: int, now: float) -> list[QueryResult]:
        """Return the result of the next chunk of each query that is due, and record failures.

        The chunks after these are read meanwhile, unless there are so many that they would need
        much memory.
        """
        due = [reader for reader in self.all if reader.is_due(latest, now)]
        read = list(self._threads.map(lambda reader: _try_to_read(reader, latest, now), due))
        if len(due) <= _THREADS:
            for reader, result in zip(due, read, strict=True):
                if result is not None and result.times[-1] < latest:
                    reader.ahead = self._threads.submit(reader.read_after, result, latest)
        return [result for result in read if result is not None]

    def record_scored(
        self, results: Iterable[QueryResult], failed: Mapping[str, Exception], now: float
    ) -> None:
        """Record which results were scored; `failed` has the errors of the others by query name."""
        read_names = {result.query.name for result in results}
        for reader in self.all:
            name = reader.query.name
            if name in failed:
                reason = f"{type(failed[name]).__name__}: {failed[name]}"
                reader.scoring.fail(reason, now, failed[name])
            elif name in read_names:
                reader.scoring.succeed()

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(cancel_futures=True)


def _try_to_read(reader: QueryReader, latest: int, now: float) -> QueryResult | None:
    try:
        result = reader.read(latest)
    except RequestFailed as error:
        reader.reading.fail(str(error), now)
        return None
    reader.reading.succeed()
    return result

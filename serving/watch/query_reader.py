"""Reads what each query is behind by, in chunks; a query that fails holds up no other."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from features.timeseries.time_grid import Times, floor_to_slot, slots
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.http import AnswerTooLarge, RequestFailed
from serving.watch.clients.prometheus import Matrix, PrometheusClient
from serving.watch.watched_query import WatchedQuery

MOST_SLOTS = 11_000
MOST_POINTS = 500_000
_THREADS = 4


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What Prometheus answered for slots of a query."""

    query: WatchedQuery
    times: Times
    matrix: Matrix


class QueryReader:
    """Reads one query from where it got to up to the latest slot, as much at once as is sensible.

    A new query begins `history_days` ago, and so does one that was not read for longer. A chunk
    that fails is tried again at half its size.
    """

    def __init__(
        self,
        query: WatchedQuery,
        client: PrometheusClient,
        history_days: float,
        count_failure: Callable[[str], Callable[[], None]],
    ) -> None:
        self.query = query
        facts = {"query": query.name}
        self.asking = CircuitBreaker("a query", facts, count_failure("prometheus"))
        self.scoring = CircuitBreaker("scoring a query", facts, count_failure("scoring"))
        self._client = client
        self._history_seconds = history_days * 86_400
        self._most_slots = MOST_SLOTS
        self._series: int | None = None

    @property
    def retry_at(self) -> float:
        """The time of the next try; 0 without a failure."""
        return max(self.asking.retry_at, self.scoring.retry_at)

    def is_due(self, latest: int, now: float) -> bool:
        """Tell whether slots are still to be read, and may be."""
        is_ready = self.asking.is_ready(now) and self.scoring.is_ready(now)
        return is_ready and self.behind(latest) > 0

    def behind(self, latest: int) -> int:
        """Return how many slots are still to be read up to the latest."""
        return max(0, (latest - self._first(latest)) // self.query.step_seconds + 1)

    def read(self, latest: int) -> QueryResult:
        """Return the next chunk; raises `RequestFailed`."""
        try:
            if self._series is None:
                self._series = self._count(latest)
            reading = self._read_chunk(latest)
        except RequestFailed:
            self._most_slots = max(1, self._most_slots // 2)
            raise
        self._most_slots = min(MOST_SLOTS, 2 * self._most_slots)
        self._series = len(reading.matrix.labels)
        return reading

    def _read_chunk(self, latest: int) -> QueryResult:
        first, step = self._first(latest), self.query.step_seconds
        most = min(self._most_slots, max(1, MOST_POINTS // max(1, self._series or 0)))
        while True:
            times = slots(first, min(latest, first + (most - 1) * step), step)
            asked = self.query.times_to_read(times)
            try:
                matrix = self._client.read(self.query.config.query, asked, step)
            except AnswerTooLarge:
                if most == 1:
                    raise
                most //= 2
            else:
                return QueryResult(self.query, times, matrix)

    def _count(self, latest: int) -> int:
        # How much may be asked for at once depends on how many series there are.
        now = slots(latest, latest, self.query.step_seconds)
        found = self._client.read(self.query.config.query, now, self.query.step_seconds)
        return max(len(found.labels), len(self.query.keys))

    def _first(self, latest: int) -> int:
        step = self.query.step_seconds
        oldest = floor_to_slot(latest - self._history_seconds, step)
        if self.query.seen_until is None:
            return oldest
        return max(oldest, self.query.seen_until + step)


class QueryReaders:
    """All queries of a watch, read by a few threads."""

    def __init__(self, readers: Iterable[QueryReader]) -> None:
        self.all = tuple(readers)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")

    def read_due(self, latest: int, now: float) -> list[QueryResult]:
        """Return a chunk of each query that is behind and may be asked; failures are noted."""
        due = [each for each in self.all if each.is_due(latest, now)]
        readings = self._threads.map(lambda reader: _try(reader, latest, now), due)
        return [reading for reading in readings if reading is not None]

    def note_scored(
        self, readings: Iterable[QueryResult], failed: Mapping[str, Exception], now: float
    ) -> None:
        """Note which of the readings could be scored, given the errors of those that could not."""
        read = {reading.query.name for reading in readings}
        for reader in self.all:
            name = reader.query.name
            if name in failed:
                reason = f"{type(failed[name]).__name__}: {failed[name]}"
                reader.scoring.fail(reason, now, failed[name])
            elif name in read:
                reader.scoring.succeed()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)


def _try(reader: QueryReader, latest: int, now: float) -> QueryResult | None:
    try:
        reading = reader.read(latest)
    except RequestFailed as error:
        reader.asking.fail(str(error), now)
        return None
    reader.asking.succeed()
    return reading

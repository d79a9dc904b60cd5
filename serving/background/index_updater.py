"""Keeps an index of the stored incidents up to date, so that new ones are found at once."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import inf
from threading import Lock

from features.domain.report import ResolvedIncident
from features.encoding.cached_encoder import CachedEncoder
from features.encoding.encoder_weights import open_encoder
from features.encoding.erasure import forget_in_memory
from features.encoding.vector_cache import EncodingCache
from features.home import Home
from features.search.incident_index import IncidentIndex
from features.store.store import Store
from serving.background.index_snapshot import IndexSnapshot
from serving.background.poller import Poller
from serving.runtime.errors import IndexBehind

_CHUNK = 512
# By default the start of the service waits this long for the index; later requests get status 503.
_PATIENCE_SECONDS = 2.0
_WAIT_SECONDS = 10.0
_MOST_WAITED_FOR = 1_000
_SECONDS_BETWEEN_SAVES = 600.0
_SECONDS_BETWEEN_TRIES = 0.2


class _OpenIndex:
    """An index and its encoder.

    `revision` is the revision of the store up to which incidents are indexed; it is None until the
    whole store was indexed once. `saved_revision` is that of the file.
    """

    def __init__(self, reference: str, home: Home, check_stop: Callable[[], None]) -> None:
        encoder = open_encoder(reference)
        cache = EncodingCache(home.encodings, encoder)
        self.encoder = CachedEncoder(encoder, cache, before_batch=check_stop)
        self.index = IncidentIndex(self.encoder)
        self.revision: int | None = None
        self.saved_revision: int | None = None
        self.saved_at = -inf


class IndexUpdater(Poller):
    """Keeps an index of every stored incident, also in a file from which a restart continues.

    `encoder` returns the reference of the encoder that answers, and `next_encoder` that of a
    champion that waits until its index is whole, or None.
    """

    failure = "the index cannot follow the store"

    def __init__(
        self,
        store: Store,
        home: Home,
        encoder: Callable[[], str],
        poll_seconds: float,
        *,
        next_encoder: Callable[[], str | None] = lambda: None,
        tenant: str = "default",
    ) -> None:
        super().__init__(poll_seconds, "incident_index", _PATIENCE_SECONDS)
        self._store = store
        self._home = home
        self._encoder = encoder
        self._next_encoder = next_encoder
        self._snapshot = IndexSnapshot(home, tenant)
        self._open: dict[str, _OpenIndex] = {}
        self._lock = Lock()

    @property
    def is_complete(self) -> bool:
        """Whether the whole store was indexed once; newer changes may be missing."""
        return self.has_all(self._encoder())

    def is_near(self) -> bool:
        """Whether `index` can answer now, or after indexing at most 1,000 incidents."""
        return self.is_complete or self._store.incidents.count_changes(0) <= _MOST_WAITED_FOR

    def has_any(self, reference: str) -> bool:
        """Whether an incident is indexed with this encoder, whether or not all of them are."""
        found = self._open.get(reference)
        return found is not None and len(found.index) > 0

    def has_all(self, reference: str) -> bool:
        """Whether the whole store was indexed once with this encoder."""
        found = self._open.get(reference)
        return found is not None and found.revision is not None

    def must_wait_for(self, reference: str) -> bool:
        """Whether another encoder's index answers until that of this encoder is whole."""
        return not self.has_all(reference) and any(map(self.has_all, tuple(self._open)))

    def index(self, reference: str | None = None) -> IncidentIndex:
        """Return an index of all incidents that were written before this call.

        Its vectors are those of the encoder of this reference, by default the one that answers.
        Raises `StoreUnavailable` and `EncoderUnavailable`. Raises `IndexBehind` if more than 1,000
        changes are not indexed yet, or if another thread keeps indexing for ten seconds.
        """
        current = self._opened(reference or self._encoder())
        if self._store.incidents.revision() != current.revision:
            # The first indexing of many incidents takes long, so no request waits for it.
            wait = 0.0 if current.revision is None and self._is_behind(current) else _WAIT_SECONDS
            if not self._lock.acquire(timeout=wait):
                raise IndexBehind("a great many incidents are being indexed")
            try:
                if self._is_behind(current):
                    raise IndexBehind("a great many incidents wait to be indexed")
                self._catch_up(current)
            finally:
                self._lock.release()
        return current.index

    def apply_changes(self) -> None:
        """Index the latest changes, unless another thread is indexing or over 1,000 changes wait.

        Nothing is done before the first index is complete. The caller waits for the indexing, so
        callers that write many incidents are slowed down.
        """
        current = self._open.get(self._encoder())
        if current is None or current.revision is None or not self._lock.acquire(blocking=False):
            return
        try:
            if not self._is_behind(current):
                self._catch_up(current)
        finally:
            self._lock.release()

    def _poll(self) -> None:
        answering, coming = self._encoder(), self._next_encoder()
        for reference in dict.fromkeys((answering, coming or answering)):
            self._follow(self._opened(reference))
        for reference in self._open.keys() - {self._encoder(), self._next_encoder(), coming}:
            del self._open[reference]

    def _follow(self, current: _OpenIndex) -> None:
        if current.revision is None:
            self._build(current)
        elif self._store.incidents.revision() != current.revision:
            with self._lock:
                self._catch_up(current)
        current.encoder.flush()
        is_due = time.monotonic() - current.saved_at >= _SECONDS_BETWEEN_SAVES
        if current.revision != current.saved_revision and is_due:
            self._save(current)

    def _build(self, current: _OpenIndex) -> None:
        """Continue from the file, or build the index and write the file.

        Of several processes that share a home one builds the index, and the others read its file.
        """
        reference = current.encoder.reference
        while not self._snapshot.try_lock(reference):
            self.check_stop()
            self._stopping.wait(_SECONDS_BETWEEN_TRIES)
        try:
            with self._lock:
                if current.revision is None:
                    self._load(current)
                self._catch_up(current)
            if current.revision != current.saved_revision:
                self._save(current)
        finally:
            self._snapshot.unlock(reference)

    def _load(self, current: _OpenIndex) -> None:
        loaded = self._snapshot.read(current.encoder, self._store)
        if loaded is not None:
            current.index, current.revision = loaded
            current.saved_revision, current.saved_at = current.revision, time.monotonic()

    def _save(self, current: _OpenIndex) -> None:
        self.check_stop()
        with self._lock:
            revision = current.revision
            arrays = current.index.state()
        if revision is not None:
            self._snapshot.write(current.encoder, arrays, revision, self._store)
            current.saved_revision, current.saved_at = revision, time.monotonic()

    def _is_behind(self, current: _OpenIndex) -> bool:
        return self._store.incidents.count_changes(current.revision or 0) > _MOST_WAITED_FOR

    def _opened(self, reference: str) -> _OpenIndex:
        if reference not in self._open:
            # If two threads open it at once, both use the first one.
            opened = _OpenIndex(reference, self._home, self.check_stop)
            self._open.setdefault(reference, opened)
        return self._open[reference]

    def _catch_up(self, current: _OpenIndex) -> None:
        if current.revision is None:
            revision = self._store.incidents.revision()
            self._upsert(current, self._store.incidents.all())
            current.revision = revision
        changes = self._store.incidents.changes_since(current.revision)
        if changes.deleted:
            current.index.remove(changes.deleted)
            current.encoder.discard_pending()
            forget_in_memory()
            # The file is written again without them at the next poll.
            current.saved_at = -inf
        self._upsert(current, iter(changes.upserted))
        current.revision = changes.revision

    def _upsert(self, current: _OpenIndex, incidents: Iterator[ResolvedIncident]) -> None:
        for chunk in _chunks(incidents):
            self.check_stop()
            current.index.upsert(chunk)


def _chunks(incidents: Iterator[ResolvedIncident]) -> Iterable[list[ResolvedIncident]]:
    while chunk := list(islice(incidents, _CHUNK)):
        yield chunk

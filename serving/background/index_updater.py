"""Keeps an index of the stored incidents up to date, so that new ones are found at once."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Lock

from features.domain.report import ResolvedIncident
from features.encoding.cached_encoder import CachedEncoder
from features.encoding.encoder_weights import open_encoder
from features.encoding.erasure import forget_in_memory
from features.encoding.vector_cache import EncodingCache
from features.home import Home
from features.search.incident_index import IncidentIndex
from features.store.store import Store
from serving.background.poller import Poller
from serving.runtime.errors import IndexBehind

_CHUNK = 512
_PATIENCE_SECONDS = 60.0
_WAIT_SECONDS = 10.0
_MOST_WAITED_FOR = 1_000


class _OpenIndex:
    """An index and its encoder.

    `revision` is the revision of the store up to which incidents are indexed; it is None until the
    whole store was indexed once.
    """

    def __init__(self, reference: str, home: Home) -> None:
        encoder = open_encoder(reference)
        self.encoder = CachedEncoder(encoder, EncodingCache(home.encodings, encoder))
        self.index = IncidentIndex(self.encoder)
        self.revision: int | None = None


class IndexUpdater(Poller):
    """Keeps an index of every stored incident.

    `encoder` returns the reference of the encoder to use; when it changes, a new index is built.
    """

    failure = "the index cannot follow the store"

    def __init__(
        self, store: Store, home: Home, encoder: Callable[[], str], poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "incident_index", _PATIENCE_SECONDS)
        self._store = store
        self._home = home
        self._encoder = encoder
        self._open_index: _OpenIndex | None = None
        self._lock = Lock()

    @property
    def is_complete(self) -> bool:
        """Whether the whole store was indexed once; newer changes may be missing."""
        return self._open_index is not None and self._open_index.revision is not None

    def index(self) -> IncidentIndex:
        """Return an index of all incidents that were written before this call.

        Raises `StoreUnavailable` and `EncoderUnavailable`. Raises `IndexBehind` if more than 1,000
        changes are not indexed yet, or if another thread keeps indexing for ten seconds.
        """
        current = self._current()
        if self._store.incidents.revision() != current.revision:
            if not self._lock.acquire(timeout=_WAIT_SECONDS):
                raise IndexBehind("a great many incidents are being indexed")
            try:
                if self._store.incidents.count_changes(current.revision or 0) > _MOST_WAITED_FOR:
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
        current = self._open_index
        if current is None or current.revision is None or not self._lock.acquire(blocking=False):
            return
        try:
            if self._store.incidents.count_changes(current.revision) <= _MOST_WAITED_FOR:
                self._catch_up(current)
        finally:
            self._lock.release()

    def _poll(self) -> None:
        current = self._current()
        with self._lock:
            if self._store.incidents.revision() != current.revision:
                self._catch_up(current, until_stopped=True)
            current.encoder.flush()

    def _current(self) -> _OpenIndex:
        reference = self._encoder()
        current = self._open_index
        if current is None or current.encoder.reference != reference:
            current = self._open_index = _OpenIndex(reference, self._home)
        return current

    def _catch_up(self, current: _OpenIndex, *, until_stopped: bool = False) -> None:
        if current.revision is None:
            revision = self._store.incidents.revision()
            self._upsert(current, self._store.incidents.all(), until_stopped)
            current.revision = revision
        changes = self._store.incidents.changes_since(current.revision)
        if changes.deleted:
            current.index.remove(changes.deleted)
            current.encoder.discard_pending()
            forget_in_memory()
        self._upsert(current, iter(changes.upserted), until_stopped)
        current.revision = changes.revision

    def _upsert(
        self, current: _OpenIndex, incidents: Iterator[ResolvedIncident], until_stopped: bool
    ) -> None:
        for chunk in _chunks(incidents):
            # Only polls end early: a request indexes few incidents and is answered before the stop.
            if until_stopped and self._stopping.is_set():
                raise InterruptedError("the service is stopping")
            current.index.upsert(chunk)


def _chunks(incidents: Iterator[ResolvedIncident]) -> Iterable[list[ResolvedIncident]]:
    while chunk := list(islice(incidents, _CHUNK)):
        yield chunk

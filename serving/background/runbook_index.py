"""Keeps an index of the stored runbooks and their past uses up to date."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from features.encoding.cached_encoder import CachedEncoder
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache
from features.errors import StoreUnavailable
from features.home import Home
from features.store.store import Store
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.usage import stored_uses
from serving.background.poller import Poller

TARGET = "runbooks"

_PATIENCE_SECONDS = 60.0

_UsageState = tuple[int, int, datetime | None]


class RunbookPoller(Poller):
    """Keeps an index of the stored runbooks and their uses.

    `encoder` returns the reference of the encoder to use. When the encoder or the runbooks change,
    a new index is built; when their uses change, the index is updated.
    """

    failure = "the runbooks cannot be read"

    def __init__(
        self, store: Store, home: Home, encoder: Callable[[], str], poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "runbooks", _PATIENCE_SECONDS)
        self._store = store
        self._home = home
        self._reference = encoder
        self._index: RunbookIndex | None = None
        self._encoder: CachedEncoder | None = None
        self._lock = Lock()
        self._runbook_state: tuple[str, int] | None = None
        self._usage_state: _UsageState | None = None

    @property
    def size(self) -> int | None:
        """The number of indexed runbooks, None until they were first read."""
        return None if self._index is None else len(self._index)

    def index(self) -> RunbookIndex | None:
        """Return the index without the uses of incidents that were deleted since the last poll.

        Returns None until the runbooks were first read. While the store is unavailable, the index
        is returned as it is.
        """
        with self._lock:
            index, revision = self._index, self._usage_state[0] if self._usage_state else 0
        if index is None or not index.past.all_uses:
            return index
        try:
            remaining = index.without_incidents(self._store.incidents.deleted_since(revision))
        except StoreUnavailable:
            return index
        with self._lock:
            if self._index is index:
                self._index = remaining
        return remaining

    def _poll(self) -> None:
        reference = self._reference()
        runbook_state = (reference, self._store.runbooks.revision())
        if runbook_state != self._runbook_state:
            encoder = open_encoder(reference)
            self._encoder = CachedEncoder(encoder, EncodingCache(self._home.encodings, encoder))
            index = RunbookIndex(self._store.runbooks.all(), encoder, caching_encoder=self._encoder)
            self._publish(index, None)
            self._runbook_state = runbook_state
        if self._index is not None and len(self._index):
            usage_state = self._read_usage_state()
            if usage_state != self._usage_state:
                self._publish(self._index.with_uses(stored_uses(self._store)), usage_state)

    def _read_usage_state(self) -> _UsageState:
        feedback = self._store.feedback.select(target=TARGET)
        # Changed feedback replaces a row: the count stays the same, the latest time does not.
        latest = feedback[-1].given_at if feedback else None
        return self._store.incidents.revision(), len(feedback), latest

    def _publish(self, index: RunbookIndex, usage_state: _UsageState | None) -> None:
        with self._lock:
            self._index, self._usage_state = index, usage_state
        if self._encoder is not None:
            if usage_state is not None and self._store.incidents.deleted_since(usage_state[0]):
                self._encoder.discard_pending()
            self._encoder.flush()

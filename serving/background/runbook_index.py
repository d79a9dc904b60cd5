"""Keeps an index of the stored runbooks and their past uses up to date."""

from collections.abc import Callable
from dataclasses import dataclass
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

# By default the start of the service waits this long for the index; later requests get status 503.
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Published:
    """A whole index, and the state of the store that it shows.

    `revision` is that of the incidents, and `feedback` the number of runbooks' feedback with the
    time of the latest.
    """

    index: RunbookIndex
    runbooks_revision: int
    revision: int
    feedback: tuple[int, datetime | None]


class RunbookPoller(Poller):
    """Keeps an index of the stored runbooks and their uses.

    `encoder` returns the reference of the encoder that answers, and `next_encoder` that of a
    champion that waits until its index is whole, or None. When the encoder or the runbooks change,
    a new index is built; when their uses change, the index is updated. The former index answers
    until the new one is whole.
    """

    failure = "the runbooks cannot be read"

    def __init__(
        self,
        store: Store,
        home: Home,
        encoder: Callable[[], str],
        poll_seconds: float,
        *,
        next_encoder: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__(poll_seconds, "runbooks", _PATIENCE_SECONDS)
        self._store = store
        self._home = home
        self._encoder = encoder
        self._next_encoder = next_encoder
        self._encoders: dict[str, CachedEncoder] = {}
        self._published: dict[str, _Published] = {}
        self._lock = Lock()

    @property
    def size(self) -> int | None:
        """The number of indexed runbooks, None until they were first read."""
        published = self._published.get(self._encoder())
        return None if published is None else len(published.index)

    def must_wait_for(self, reference: str) -> bool:
        """Whether another encoder's index answers until that of this encoder is whole."""
        return reference not in self._published and bool(self._published)

    def index(self, reference: str | None = None) -> RunbookIndex | None:
        """Return the index without the uses of incidents that were deleted since the last poll.

        Returns None until the runbooks were first read, with the encoder of this reference, by
        default the one that answers. While the store is unavailable, the index is returned as it
        is.
        """
        reference = reference or self._encoder()
        published = self._published.get(reference)
        if published is None or not published.index.past.all_uses:
            return None if published is None else published.index
        try:
            deleted = self._store.incidents.deleted_since(published.revision)
        except StoreUnavailable:
            return published.index
        return published.index.without_incidents(deleted)

    def _poll(self) -> None:
        answering, coming = self._encoder(), self._next_encoder()
        for reference in dict.fromkeys((answering, coming or answering)):
            self._follow(reference)
        for reference in self._published.keys() - {self._encoder(), self._next_encoder(), coming}:
            del self._published[reference]
            del self._encoders[reference]

    def _follow(self, reference: str) -> None:
        before = self._published.get(reference)
        runbooks_revision = self._store.runbooks.revision()
        revision = self._store.incidents.revision()
        feedback = self._store.feedback.count_and_latest(TARGET)
        if before is not None and before.runbooks_revision == runbooks_revision:
            if (before.revision, before.feedback) == (revision, feedback):
                return
            index = before.index
        else:
            index = RunbookIndex(
                self._store.runbooks.all(),
                open_encoder(reference),
                caching_encoder=self._caching_encoder(reference),
            )
        if len(index):
            index = index.with_uses(stored_uses(self._store))
        published = _Published(index, runbooks_revision, revision, feedback)
        with self._lock:
            self._published[reference] = published
        self._write_encodings(reference, before)

    def _write_encodings(self, reference: str, before: _Published | None) -> None:
        encoder = self._caching_encoder(reference)
        if before is not None and self._store.incidents.deleted_since(before.revision):
            encoder.discard_pending()
        encoder.flush()

    def _caching_encoder(self, reference: str) -> CachedEncoder:
        if reference not in self._encoders:
            encoder = open_encoder(reference)
            cache = EncodingCache(self._home.encodings, encoder)
            self._encoders[reference] = CachedEncoder(encoder, cache, before_batch=self.check_stop)
        return self._encoders[reference]

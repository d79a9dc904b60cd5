"""Keeps the index of the incidents' texts up to date, so that a search finds new ones at once."""

from threading import Lock

from features.search.text_search import MOST_FOUND, TextSearch
from features.store.store import Store
from serving.background.poller import Poller
from serving.background.store_changes import catch_up
from serving.runtime.errors import IndexBehind

_PATIENCE_SECONDS = 2.0
_WAIT_SECONDS = 10.0
_MOST_WAITED_FOR = 1_000


class TextIndexUpdater(Poller):
    """Keeps the texts of every stored incident searchable."""

    failure = "the text index cannot follow the store"

    def __init__(self, store: Store, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "text_index", _PATIENCE_SECONDS)
        self._store = store
        self._search = TextSearch()
        self._revision = 0
        self._lock = Lock()

    def find(self, text: str, most: int = MOST_FOUND) -> tuple[str, ...]:
        """Return up to `most` matching ids, best first, of all incidents written until now.

        Raises `StoreUnavailable`. Raises `IndexBehind` if more than 1,000 changes are not indexed
        yet, or if another thread keeps indexing for ten seconds.
        """
        if self._store.incidents.revision() != self._revision:
            # The first indexing of many incidents takes long, so no request waits for it.
            wait = 0.0 if self._revision == 0 and self._is_behind() else _WAIT_SECONDS
            if not self._lock.acquire(timeout=wait):
                raise IndexBehind("a great many incidents are being indexed")
            try:
                if self._is_behind():
                    raise IndexBehind("a great many incidents wait to be indexed")
                self._catch_up()
            finally:
                self._lock.release()
        return self._search.find(text, most)

    def _poll(self) -> None:
        with self._lock:
            self._catch_up()

    def _is_behind(self) -> bool:
        return self._store.incidents.count_changes(self._revision) > _MOST_WAITED_FOR

    def _catch_up(self) -> None:
        self._revision = catch_up(
            self._store.incidents, self._search, self._revision, self.check_stop
        )

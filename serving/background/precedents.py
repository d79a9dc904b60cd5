"""Keeps the times and outcomes of the stored incidents, for what was known when one opened."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Lock

from features.domain.opening_context import OpeningContext
from features.domain.report import IncidentReport
from features.search.precedent_index import PrecedentIndex
from features.store.store import Store
from serving.background.poller import Poller
from serving.background.store_changes import catch_up
from serving.runtime.errors import IndexBehind

_PATIENCE_SECONDS = 0.5
_MOST_READ_AT_ONCE = 1_000


class PrecedentUpdater(Poller):
    """Tells what was known when reports opened, from all incidents written until now.

    Nothing is read in advance while no model asks (`is_needed`).
    """

    failure = "the times of past incidents cannot follow the store"

    def __init__(
        self, store: Store, poll_seconds: float, is_needed: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(poll_seconds, "precedents", _PATIENCE_SECONDS)
        self._is_needed = is_needed
        self._store = store
        self._index = PrecedentIndex()
        self._revision = 0
        self._lock = Lock()

    def contexts_of(self, reports: Sequence[IncidentReport]) -> list[OpeningContext]:
        """Return what was known when each report opened; without a time it opens now.

        Raises `StoreUnavailable`. Raises `IndexBehind` while more than 1,000 changes are not read
        yet.
        """
        is_behind = self._store.incidents.count_changes(self._revision) > _MOST_READ_AT_ONCE
        if is_behind:
            raise IndexBehind("the times of a great many past incidents are being read")
        with self._lock:
            self._catch_up()
            return self._index.contexts_of(reports, now=datetime.now(UTC))

    def _poll(self) -> None:
        if not self._is_needed():
            return
        with self._lock:
            self._catch_up()

    def _catch_up(self) -> None:
        self._revision = catch_up(
            self._store.incidents, self._index, self._revision, self.check_stop
        )

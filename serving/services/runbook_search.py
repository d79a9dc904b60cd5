"""Suggests runbooks with the champion, or with the shipped constants before any training."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

from features.domain.report import IncidentReport
from features.encoding.cached_encoder import CachedEncoder
from features.encoding.encoder_weights import EncoderSettings, open_encoder
from features.encoding.vector_cache import EncodingCache
from features.errors import StoreUnavailable
from features.home import Home
from features.store.store import Store
from models.base.predictions import RunbookPrediction
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import DEFAULT_LIMIT, RunbookModel
from models.runbooks.usage import stored_uses
from serving.background.champions import Champions
from serving.background.poller import Poller

_log = logging.getLogger(__name__)

TARGET = "runbooks"

_PATIENCE_SECONDS = 60.0
_NOT_READ = "not ready: the runbooks are still being read, or cannot be; the log says why"
_NO_RUNBOOKS = "not trained: no runbook is stored; train with --runbooks DIR"
_REFUSED = "not loaded: its champion was refused; the log says why"


class RunbookService(Poller):
    """Keeps an index of the stored runbooks and their past uses, and searches it."""

    target = TARGET

    def __init__(
        self,
        champions: Callable[[], Champions],
        store: Store,
        home: Home,
        poll_seconds: float,
    ) -> None:
        super().__init__(poll_seconds, "runbooks", _PATIENCE_SECONDS)
        self._champions = champions
        self._store = store
        self._home = home
        self._shipped = RunbookModel(encoder=EncoderSettings().encoder).fit(())
        self._index: RunbookIndex | None = None
        self._keeping: CachedEncoder | None = None
        self._lock = Lock()
        self._stored: tuple[str, int] | None = None
        self._used: tuple[int, int, datetime | None] | None = None
        self._problem: str | None = None

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""
        champions = self._champions()
        if TARGET in champions.problems and TARGET not in champions.serving:
            return _REFUSED
        if self._index is None:
            return _NOT_READ
        return None if len(self._index) else _NO_RUNBOOKS

    def retrieve(self, reports: Sequence[IncidentReport]) -> list[RunbookPrediction]:
        """Answer each report with the runbooks that probably apply."""
        return self.search(reports)

    def search(
        self,
        reports: Sequence[IncidentReport],
        *,
        limit: int = DEFAULT_LIMIT,
        cutoff: float | None = None,
    ) -> list[RunbookPrediction]:
        """Answer each report, with as many runbooks and as relevant ones as wanted."""
        index = self._without_deleted()
        if index is None:
            return [RunbookPrediction() for _ in reports]
        return self._model().suggest(reports, index, limit=limit, cutoff=cutoff)

    def refresh(self) -> None:
        """Put up a new index when runbooks, their uses or the encoder changed."""
        try:
            self._follow()
        # A driver may fail in ways of its own, and the thread must outlive each of them.
        except Exception as error:
            if str(error) != self._problem:
                facts = {"reason": str(error)}
                _log.warning("the runbooks cannot be read", extra={"fields": facts})
            self._problem = str(error)
            return
        self._problem = None

    def _without_deleted(self) -> RunbookIndex | None:
        """Return the index without uses whose incident was deleted since the last look."""
        with self._lock:
            index, seen = self._index, self._used[0] if self._used else 0
        if index is None or not index.past.asked:
            return index
        try:
            fewer = index.without(self._store.incidents.deleted_since(seen))
        except StoreUnavailable:
            return index
        with self._lock:
            if self._index is index:
                self._index = fewer
        return fewer

    def _follow(self) -> None:
        reference = self._model().encoder
        stored = (reference, self._store.runbooks.revision())
        if stored != self._stored:
            encoder = open_encoder(reference)
            self._keeping = CachedEncoder(encoder, EncodingCache(self._home.encodings, encoder))
            index = RunbookIndex(self._store.runbooks.all(), encoder, keeping=self._keeping)
            self._publish(index, None)
            self._stored = stored
        if self._index is not None and len(self._index):
            said = self._store.feedback.select(target=TARGET)
            # Who changes their mind replaces a word: the count stays, the latest time does not.
            used = (
                self._store.incidents.revision(),
                len(said),
                said[-1].given_at if said else None,
            )
            if used != self._used:
                self._publish(self._index.used(stored_uses(self._store)), used)

    def _publish(self, index: RunbookIndex, used: tuple[int, int, datetime | None] | None) -> None:
        with self._lock:
            self._index, self._used = index, used
        if self._keeping is not None:
            if used is not None and self._store.incidents.deleted_since(used[0]):
                self._keeping.discard_pending()
            self._keeping.flush()

    def _model(self) -> RunbookModel:
        champion = self._champions().serving.get(TARGET)
        if champion is not None and isinstance(champion.model, RunbookModel):
            return champion.model
        return self._shipped

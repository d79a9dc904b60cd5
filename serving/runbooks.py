"""Suggests runbooks with the champion, or with the shipped constants before any training."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from features.encoding.weights import EncoderSettings, open_encoder
from features.history.store import IncidentStore
from features.incident.report import IncidentReport
from models.prediction import RunbookPrediction
from models.runbook import DEFAULT_LIMIT, RunbookModel
from models.runbook_shelf import Shelf
from models.stored_uses import stored_uses
from serving.champions import Champions
from serving.watcher import Watcher

_log = logging.getLogger(__name__)

TARGET = "runbooks"

_NO_RUNBOOKS = "not trained: no runbook is stored; train with --runbooks DIR"
_REFUSED = "not loaded: its champion was refused; the log says why"


class RunbookService(Watcher):
    """Keeps a shelf of the stored runbooks and their past uses, and searches it."""

    target = TARGET

    def __init__(
        self, champions: Callable[[], Champions], store: IncidentStore, poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "runbooks")
        self._champions = champions
        self._store = store
        self._shipped = RunbookModel(encoder=EncoderSettings().encoder).fit(())
        self._shelf: Shelf | None = None
        self._stored: tuple[str, int] | None = None
        self._used: tuple[int, int, datetime | None] | None = None
        self._problem: str | None = None

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""
        champions = self._champions()
        if TARGET in champions.problems and TARGET not in champions.serving:
            return _REFUSED
        return _NO_RUNBOOKS if self._shelf is None or not len(self._shelf) else None

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
        if self._shelf is None:
            return [RunbookPrediction() for _ in reports]
        return self._model().suggest(reports, self._shelf, limit=limit, cutoff=cutoff)

    def refresh(self) -> None:
        """Put up a new shelf when runbooks, their uses or the encoder changed."""
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

    def _follow(self) -> None:
        encoder = self._model().encoder
        stored = (encoder, self._store.runbook_revision())
        if stored != self._stored:
            self._shelf = Shelf(self._store.runbooks(), open_encoder(encoder))
            self._stored, self._used = stored, None
        if self._shelf is not None and len(self._shelf):
            said = self._store.feedback(target=TARGET)
            # Who changes their mind replaces a word: the count stays, the latest time does not.
            used = (self._store.revision(), len(said), said[-1].given_at if said else None)
            if used != self._used:
                self._shelf, self._used = self._shelf.used(stored_uses(self._store)), used

    def _model(self) -> RunbookModel:
        champion = self._champions().serving.get(TARGET)
        if champion is not None and isinstance(champion.model, RunbookModel):
            return champion.model
        return self._shipped

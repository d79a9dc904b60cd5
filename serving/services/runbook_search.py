"""Suggests runbooks for reports."""

from collections.abc import Sequence

from features.domain.report import IncidentReport
from models.base.predictions import RunbookPrediction
from models.runbooks.runbook_model import DEFAULT_LIMIT, RunbookModel
from serving.background.runbook_index import TARGET, RunbookPoller
from serving.runtime.errors import IndexBehind
from serving.services.champion_or_shipped import ChampionOrShipped

_NOT_READ = "not ready: the runbooks are still being read, or cannot be read; the log says why"
_NO_RUNBOOKS = "not trained: no runbook is stored; train with --runbooks DIR"


class RunbookService:
    """Searches the stored runbooks."""

    target = TARGET

    def __init__(self, champion: ChampionOrShipped[RunbookModel], runbooks: RunbookPoller) -> None:
        self._champion = champion
        self._runbooks = runbooks

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""
        size = self._runbooks.size
        unready_reason = _NOT_READ if size is None else _NO_RUNBOOKS
        return self._champion.refusal() or (None if size else unready_reason)

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
        """Answer each report with at most `limit` runbooks that reach the cutoff.

        Without a cutoff the model's calibrated cutoff applies. Raises `IndexBehind` until the
        runbooks were first read.
        """
        model = self._champion.model()
        index = self._runbooks.index(model.encoder)
        if index is None:
            raise IndexBehind(_NOT_READ)
        return model.suggest(reports, index, limit=limit, cutoff=cutoff)

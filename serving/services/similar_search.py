"""Finds similar incidents with the champion, or with the shipped constants before any training."""

from collections.abc import Callable, Mapping, Sequence

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import EncoderSettings
from features.store.store import Store
from models.base.predictions import SimilarPrediction
from models.similarity.similar_model import DEFAULT_LIMIT, SimilarModel
from serving.background.champions import Champions
from serving.background.index_updater import IndexUpdater

TARGET = "similar"

_TRIAGED = 5

_NOTHING_STORED = "not trained: no incident is stored yet"
_REFUSED = "not loaded: its champion was refused; the log says why"


class StoredRecords:
    """The incidents of the store, looked up for entries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the incidents that are stored."""
        return self._store.incidents.find(ids)

    def members(self, id: str) -> int:  # noqa: A002
        """Return one more than the number of stored incidents that name this one."""
        return 1 + self._store.incidents.count_duplicates(id)

    def dismissed(self, id: str) -> frozenset[str]:  # noqa: A002
        """Return what people said has nothing to do with an incident."""
        return self._store.feedback.dismissed(id)


class SimilarChampion:
    """The model that searches: the champion, or the shipped constants before any training."""

    def __init__(self, champions: Callable[[], Champions]) -> None:
        self._champions = champions
        self._shipped = SimilarModel(encoder=EncoderSettings().encoder).fit(())

    def model(self) -> SimilarModel:
        """Return what searches now."""
        champion = self._champions().serving.get(TARGET)
        if champion is not None and isinstance(champion.model, SimilarModel):
            return champion.model
        return self._shipped

    def why_absent(self) -> str | None:
        """Return why a champion that is registered does not search, None if none should."""
        champions = self._champions()
        is_refused = TARGET in champions.problems and TARGET not in champions.serving
        return _REFUSED if is_refused else None


class SimilarService:
    """Searches the stored incidents; every method may raise `StoreUnavailable`."""

    target = TARGET

    def __init__(self, searcher: SimilarChampion, past: IndexUpdater, store: Store) -> None:
        self._searcher = searcher
        self._past = past
        self._records = StoredRecords(store)
        self._store = store

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""
        if not self._store.incidents.revision():
            return _NOTHING_STORED
        return self._searcher.why_absent()

    def retrieve(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Answer each report with the few that are probably most related."""
        return self.search(reports, limit=_TRIAGED)

    def search(
        self,
        reports: Sequence[IncidentReport],
        *,
        limit: int = DEFAULT_LIMIT,
        cutoff: float | None = None,
    ) -> list[SimilarPrediction]:
        """Answer each report, with as many incidents and as related ones as wanted."""
        model, index = self._searcher.model(), self._past.index()
        return model.search(reports, index, self._records, limit=limit, cutoff=cutoff)

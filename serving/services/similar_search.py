"""Finds stored incidents that are similar to reports."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from features.domain.report import IncidentReport, ResolvedIncident
from features.store.store import Store
from models.base.predictions import SimilarPrediction
from models.similarity.similar_model import DEFAULT_LIMIT, SimilarModel
from serving.background.index_updater import IndexUpdater
from serving.services.champion_or_shipped import ChampionOrShipped

TARGET = "similar"

_TRIAGED = 5

_NOT_INDEXED = "not ready: past incidents are still being indexed"
_NOTHING_STORED = "not trained: no incident is stored yet"


class StoredRecords:
    """Looks up stored incidents for the entries of an answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def one_state(self) -> AbstractContextManager[None]:
        """Let all look-ups of a block see one state of the store."""
        return self._store.one_state()

    def find(self, ids: Sequence[str]) -> Mapping[str, ResolvedIncident]:
        """Return the stored incidents that have one of these ids, by id."""
        return self._store.incidents.find(ids)

    def members(self, id: str) -> int:  # noqa: A002
        """Return the number of stored incidents marked as duplicates of this one, plus one."""
        return 1 + self._store.incidents.count_duplicates(id)

    def dismissed(self, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return by incident the ids of those that people dismissed as unrelated to it."""
        return self._store.feedback.dismissed(ids)


class SimilarService:
    """Searches the stored incidents; every method may raise `StoreUnavailable`."""

    target = TARGET

    def __init__(
        self,
        champion: ChampionOrShipped[SimilarModel],
        incidents: IndexUpdater,
        store: Store,
    ) -> None:
        self._champion = champion
        self._incidents = incidents
        self._records = StoredRecords(store)
        self._store = store

    def why_absent(self) -> str | None:
        """Return why there is no answer, None if there is one."""
        has_any = self._incidents.has_any(self._champion.encoder())
        if not has_any and not self._store.incidents.revision():
            return _NOTHING_STORED
        return self._champion.refusal() or (None if self._incidents.is_near() else _NOT_INDEXED)

    def retrieve(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Answer each report with at most five incidents that reach the cutoff."""
        return self.search(reports, limit=_TRIAGED)

    def search(
        self,
        reports: Sequence[IncidentReport],
        *,
        limit: int = DEFAULT_LIMIT,
        cutoff: float | None = None,
    ) -> list[SimilarPrediction]:
        """Answer each report with at most `limit` incidents that reach the cutoff.

        Without a cutoff the model's calibrated cutoff applies.
        """
        model = self._champion.model()
        index = self._incidents.index(model.encoder)
        return model.search(reports, index, self._records, limit=limit, cutoff=cutoff)

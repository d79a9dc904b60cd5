"""Which labels are known already: one that nobody has named before may be a typing error."""

from collections.abc import Callable
from difflib import get_close_matches

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.label_sources import labels_of
from features.store.store import Store
from serving.background.champions import Champions

_WITHOUT_NAMES = frozenset({"similar", "runbooks", "open_match"})


class LabelVocabulary:
    """Tells labels that somebody named before from those that are new.

    Both methods raise `StoreUnavailable`.
    """

    def __init__(self, store: Store, champions: Callable[[], Champions]) -> None:
        self._store = store
        self._champions = champions

    def is_new(self, said: FeedbackRecord) -> bool:
        """Tell whether a stored correction names a label that nothing but itself knows."""
        is_named = said.action is FeedbackAction.CORRECT and said.target not in _WITHOUT_NAMES
        if not is_named or said.label is None or said.label in self._taught(said.target):
            return False
        return not (self._is_in_another_label(said) or self._is_in_an_outcome(said))

    def closest(self, target: str, label: str) -> str | None:
        """Return the champion's label that is spelt most like another one; None: none is."""
        spelt = {name.casefold(): name for name in self._taught(target)}
        found = get_close_matches(label.casefold(), spelt, n=1)
        return spelt[found[0]] if found else None

    def _taught(self, target: str) -> frozenset[str]:
        champion = self._champions().serving.get(target)
        return champion.labels if champion else frozenset()

    def _is_in_another_label(self, said: FeedbackRecord) -> bool:
        own = (said.prediction_id, said.given_at)
        return any(
            one.label == said.label and (one.prediction_id, one.given_at) != own
            for one in self._store.labels.select(target=said.target)
        )

    def _is_in_an_outcome(self, said: FeedbackRecord) -> bool:
        return any(
            labels_of(one.outcome).get(said.target) == said.label
            for one in self._store.incidents.all()
        )

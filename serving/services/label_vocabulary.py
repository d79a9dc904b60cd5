"""Checks whether a label is already in use, since a new label may be misspelt."""

from collections.abc import Callable
from difflib import get_close_matches

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.label_sources import labels_of
from features.store.store import Store
from serving.background.champions import Champions

_WITHOUT_NAMES = frozenset({"similar", "runbooks", "open_match"})


class LabelVocabulary:
    """Looks up labels among the labels of champions, people and outcomes.

    Both methods raise `StoreUnavailable`.
    """

    def __init__(self, store: Store, champions: Callable[[], Champions]) -> None:
        self._store = store
        self._champions = champions

    def is_new(self, feedback: FeedbackRecord) -> bool:
        """Return whether a stored correction names a label that occurs nowhere else."""
        if feedback.action is not FeedbackAction.CORRECT or feedback.target in _WITHOUT_NAMES:
            return False
        if feedback.label is None or feedback.label in self._champion_labels(feedback.target):
            return False
        return not (self._is_in_another_label(feedback) or self._is_in_an_outcome(feedback))

    def closest(self, target: str, label: str) -> str | None:
        """Return the champion's label with the most similar spelling, None if none is similar."""
        spellings = {name.casefold(): name for name in self._champion_labels(target)}
        matches = get_close_matches(label.casefold(), spellings, n=1)
        return spellings[matches[0]] if matches else None

    def _champion_labels(self, target: str) -> frozenset[str]:
        champion = self._champions().serving.get(target)
        return champion.labels if champion else frozenset()

    def _is_in_another_label(self, feedback: FeedbackRecord) -> bool:
        own_key = (feedback.prediction_id, feedback.given_at)
        return any(
            record.label == feedback.label and (record.prediction_id, record.given_at) != own_key
            for record in self._store.labels.select(target=feedback.target)
        )

    def _is_in_an_outcome(self, feedback: FeedbackRecord) -> bool:
        return any(
            labels_of(incident.outcome).get(feedback.target) == feedback.label
            for incident in self._store.incidents.all()
        )

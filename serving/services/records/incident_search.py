"""Searches the stored incidents by words and filters, page by page."""

from typing import Protocol

from features.store.incidents.incident_search import InboxPage, InboxQuery
from features.store.store import Store
from serving.schemas.cursors import unknown_cursor


class TextIndex(Protocol):
    """Finds incidents by words."""

    def find(self, text: str) -> tuple[str, ...]:
        """Return the ids of the incidents that match, best first."""


class IncidentSearch:
    """Finds incidents by words, best first, or without words lists the newest first."""

    def __init__(self, store: Store, index: TextIndex) -> None:
        self._store = store
        self._index = index

    def page(self, query: InboxQuery) -> InboxPage:
        """Return the page of incidents that meet every filter and have every word.

        Raises `InvalidFields` if the search no longer finds the incident of the cursor, and
        `StoreUnavailable` and `IndexBehind`.
        """
        if not query.text.strip():
            return self._store.inbox.page(query)
        ids = self._index.find(query.text)
        start = 0
        if query.before is not None:
            if query.before.id not in ids:
                raise unknown_cursor()
            # Incidents that arrive in between move the places, but not the order.
            start = ids.index(query.before.id) + 1
        return self._store.inbox.ranked_page(ids[start:], query)

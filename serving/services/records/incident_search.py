"""Searches the stored incidents by words and filters, page by page."""

from typing import Protocol

from features.search.text_search import MOST_FOUND
from features.store.incidents.incident_search import InboxPage, InboxQuery
from features.store.store import Store
from serving.schemas.cursors import unknown_cursor

# Usually enough for a page, and many times faster to rank than all.
_FEW = 150


class TextIndex(Protocol):
    """Finds incidents by words."""

    def find(self, text: str, most: int) -> tuple[str, ...]:
        """Return the ids of up to `most` incidents that match, best first."""


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
        few = self._ranked_page(query, self._index.find(query.text, _FEW))
        if few is not None and few.next is not None:
            return few
        page = self._ranked_page(query, self._index.find(query.text, MOST_FOUND))
        if page is None:
            raise unknown_cursor()
        return page

    def _ranked_page(self, query: InboxQuery, ids: tuple[str, ...]) -> InboxPage | None:
        """Return the page of a ranking after the cursor, None if the cursor is not in it."""
        if query.before is None:
            return self._store.inbox.ranked_page(ids, query)
        if query.before.id not in ids:
            return None
        # Incidents that arrive in between move the places, but not the order.
        return self._store.inbox.ranked_page(ids[ids.index(query.before.id) + 1 :], query)

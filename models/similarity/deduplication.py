"""Finds near-copies among search results, so that one entry represents all of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import Candidates
from features.search.query import SearchView
from features.search.ragged_array import Ragged

_COPY_JACCARD = 0.9
_FEWEST_TERMS = 4
_NEAR_COSINE = 0.8

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


def collapse_copies(candidates: Candidates, order: Sequence[int]) -> list[list[int]]:
    """Return the rows of `order` in groups of near-copies; a group's first row represents it.

    Rows of the same text are in one group. A row of a new text joins the first group for which the
    title of the row and the title of the group's first row have a Jaccard similarity of at least
    0.9, and the texts of these two rows as well. Words are compared after variable parts are
    masked, and only if the text vectors have a cosine of at least 0.8. So a row that comes later
    never changes the groups of the rows before it.
    """
    text_of = candidates.texts.tolist()
    first_rows: dict[int, int] = {}
    for row in order:
        first_rows.setdefault(text_of[row], row)
    shown = _representatives(candidates, np.array(list(first_rows.values()), dtype=np.int64))
    groups: dict[int, list[int]] = {}
    for row in order:
        groups.setdefault(shown[first_rows[text_of[row]]], []).append(row)
    return list(groups.values())


def _representatives(candidates: Candidates, rows: Integers) -> dict[int, int]:
    """Return the row that represents each of these rows, which have different texts."""
    titles, texts = _TermSets(candidates.title_terms), _TermSets(candidates.text_terms)
    # Near-copies have similar vectors and sizes, so few pairs need to be compared word by word.
    vectors = candidates.text_vectors[rows]
    later, earlier = np.nonzero(np.tril(vectors @ vectors.T >= _NEAR_COSINE, -1))
    pairs = rows[later], rows[earlier]
    is_near = titles.are_near_in_size(*pairs) & texts.are_near_in_size(*pairs)
    near = _by_later_row(later[is_near], rows[earlier[is_near]], len(rows))
    representatives: dict[int, int] = {}
    for row, earlier_rows in zip(rows.tolist(), near, strict=True):
        copies = (
            first
            for first in earlier_rows
            if representatives[first] == first
            and _agree(texts.of(row), texts.of(first))
            and _agree(titles.of(row), titles.of(first))
        )
        representatives[row] = next(copies, row)
    return representatives


def _by_later_row(later: Integers, earlier: Integers, count: int) -> list[list[int]]:
    ends = np.searchsorted(later, np.arange(count + 1)).tolist()
    others = earlier.tolist()
    return [others[start:end] for start, end in pairwise(ends)]


def copies_of(
    view: SearchView,
    candidates: Candidates,
    *,
    among: Flags | None = None,
    fewest_terms: int = _FEWEST_TERMS,
) -> Flags:
    """Tell which candidates are near-copies of a report; a report of few words has none.

    With `among`, only these candidates are compared; the others count as no copies.
    """
    if len(view.text_terms) < fewest_terms:
        return np.zeros(len(candidates), dtype=np.bool_)
    titles, texts = _TermSets(candidates.title_terms), _TermSets(candidates.text_terms)
    title, text = (frozenset(terms.tolist()) for terms in (view.title_terms, view.text_terms))
    may_be_copy = texts.are_near(len(text)) & titles.are_near(len(title))
    if among is not None:
        may_be_copy &= among
    is_copy = np.zeros(len(candidates), dtype=np.bool_)
    for row in np.flatnonzero(may_be_copy).tolist():
        is_copy[row] = _agree(texts.of(row), text) and _agree(titles.of(row), title)
    return is_copy


class _TermSets:
    """The terms of each row as a set, made when it is first asked for."""

    def __init__(self, terms: Ragged) -> None:
        self._values, self._starts = terms.values, terms.starts.tolist()
        self._sizes = np.diff(terms.starts)
        self._sets: dict[int, frozenset[int]] = {}

    def are_near(self, size: int) -> Flags:
        """Tell which rows may agree with a set of this size."""
        return _near_sizes(self._sizes, np.array(size))

    def are_near_in_size(self, rows: Integers, others: Integers) -> Flags:
        """Tell for each row whether it may agree with the other row at its place."""
        return _near_sizes(self._sizes[rows], self._sizes[others])

    def of(self, row: int) -> frozenset[int]:
        if row not in self._sets:
            start, end = self._starts[row], self._starts[row + 1]
            self._sets[row] = frozenset(self._values[start:end].tolist())
        return self._sets[row]


def _near_sizes(first: Integers, second: Integers) -> Flags:
    return np.asarray(np.minimum(first, second) >= _COPY_JACCARD * np.maximum(first, second))


def _agree(first: frozenset[int], second: frozenset[int]) -> bool:
    """Tell whether two sets of nearly the same size share enough of their terms."""
    shared = len(first & second)
    return shared >= _COPY_JACCARD * (len(first) + len(second) - shared)

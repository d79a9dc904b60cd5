"""Finds near-copies among search results, so that one entry represents all of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import Candidates
from features.search.query import SearchView
from features.search.ragged_array import Ragged

_COPY_JACCARD = 0.9
_FEWEST_TERMS = 4
_NEAR_COSINE = 0.8

Flags = NDArray[np.bool_]


def collapse_copies(candidates: Candidates, order: Sequence[int]) -> list[list[int]]:
    """Return the rows of `order` in groups of near-copies; a group's first row represents it.

    Rows of the same text are in one group. A row of a new text joins the first group for which the
    title of the row and the title of the group's first row have a Jaccard similarity of at least
    0.9, and the texts of these two rows as well. Words are compared after variable parts are
    masked, and only if the text vectors have a cosine of at least 0.8. So a row that comes later
    never changes the groups of the rows before it.
    """
    titles, texts = _TermSets(candidates.title_terms), _TermSets(candidates.text_terms)
    # Near-copies have similar vectors, so most pairs need not be compared word by word.
    is_near = candidates.text_vectors @ candidates.text_vectors.T >= _NEAR_COSINE
    groups: list[list[int]] = []
    firsts: list[int] = []
    group_of_text: dict[int, list[int]] = {}
    for row in order:
        group = group_of_text.get(int(candidates.texts[row]))
        if group is None:
            copies = (
                groups[number]
                for number in np.flatnonzero(is_near[row, firsts]).tolist()
                if _agree(texts.of(row), texts.of(firsts[number]))
                and _agree(titles.of(row), titles.of(firsts[number]))
            )
            group = next(copies, None)
        if group is None:
            group = []
            groups.append(group)
            firsts.append(row)
        group.append(row)
        group_of_text[int(candidates.texts[row])] = group
    return groups


def copies_of(
    view: SearchView, candidates: Candidates, *, fewest_terms: int = _FEWEST_TERMS
) -> Flags:
    """Tell which candidates are near-copies of a report; a report of few words has none."""
    if len(view.text_terms) < fewest_terms:
        return np.zeros(len(candidates), dtype=np.bool_)
    titles, texts = _TermSets(candidates.title_terms), _TermSets(candidates.text_terms)
    title, text = (frozenset(terms.tolist()) for terms in (view.title_terms, view.text_terms))
    return np.array(
        [
            _agree(texts.of(row), text) and _agree(titles.of(row), title)
            for row in range(len(candidates))
        ],
        dtype=np.bool_,
    )


class _TermSets:
    """The terms of each row as a set, made when it is first asked for."""

    def __init__(self, terms: Ragged) -> None:
        self._terms = terms
        self._sets: dict[int, frozenset[int]] = {}

    def of(self, row: int) -> frozenset[int]:
        if row not in self._sets:
            start, end = self._terms.starts[row], self._terms.starts[row + 1]
            self._sets[row] = frozenset(self._terms.values[start:end].tolist())
        return self._sets[row]


def _agree(first: frozenset[int], second: frozenset[int]) -> bool:
    shorter, longer = sorted((len(first), len(second)))
    if shorter < _COPY_JACCARD * longer:
        return False
    shared = len(first & second)
    return shared >= _COPY_JACCARD * (shorter + longer - shared)

"""Finds near-copies among search results, so that one entry represents all of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import Candidates
from features.search.query import SearchView
from features.search.ragged_array import Hashes, Ragged

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
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    vectors = candidates.text_vectors
    groups: list[list[int]] = []
    group_of_text: dict[int, list[int]] = {}
    for row in order:
        group = group_of_text.get(int(candidates.texts[row]))
        if group is None:
            # Near-copies have similar vectors, so most pairs need not be compared word by word.
            firsts = [of_others[0] for of_others in groups]
            is_near = vectors[firsts] @ vectors[row] >= _NEAR_COSINE
            copies = (
                groups[number]
                for number in np.flatnonzero(is_near).tolist()
                if _agree(texts[row], texts[firsts[number]])
                and _agree(titles[row], titles[firsts[number]])
            )
            group = next(copies, None)
        if group is None:
            group = []
            groups.append(group)
        group.append(row)
        group_of_text[int(candidates.texts[row])] = group
    return groups


def copies_of(
    view: SearchView, candidates: Candidates, *, fewest_terms: int = _FEWEST_TERMS
) -> Flags:
    """Tell which candidates are near-copies of a report; a report of few words has none."""
    if len(view.text_terms) < fewest_terms:
        return np.zeros(len(candidates), dtype=np.bool_)
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    return np.array(
        [
            _agree(text, view.text_terms) and _agree(title, view.title_terms)
            for text, title in zip(texts, titles, strict=True)
        ],
        dtype=np.bool_,
    )


def _sets(ragged: Ragged) -> list[Hashes]:
    return np.split(ragged.values, ragged.starts[1:-1])


def _agree(first: Hashes, second: Hashes) -> bool:
    shorter, longer = sorted((len(first), len(second)))
    if shorter < _COPY_JACCARD * longer:
        return False
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared >= _COPY_JACCARD * (shorter + longer - shared)

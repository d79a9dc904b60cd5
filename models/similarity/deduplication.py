"""Finds near-copies among search results, so that one entry represents all of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.search.candidates import Candidates
from features.search.query import SearchView
from features.search.ragged_array import Hashes, Ragged

_COPY_JACCARD = 0.9
_FEWEST_TERMS = 4
_NEAR_COSINE = 0.8

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


def collapse_copies(candidates: Candidates, order: Sequence[int]) -> list[list[int]]:
    """Return the rows of `order` in groups of near-copies; a group's first row represents it.

    A row joins a group if the title of the row and the title of the group's first row have a
    Jaccard similarity of at least 0.9, and the texts of these two rows as well. Words are compared
    after variable parts are masked, and only between candidates of the same group by
    `alike_groups`.
    """
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    alike = alike_groups(candidates)
    groups: list[list[int]] = []
    # Near-copies have similar vectors, so most pairs need not be compared word by word.
    groups_of_alike: dict[int, list[list[int]]] = {}
    for row in order:
        alike_copies = groups_of_alike.setdefault(int(alike[row]), [])
        for group in alike_copies:
            first = group[0]
            if _agree(texts[row], texts[first]) and _agree(titles[row], titles[first]):
                group.append(row)
                break
        else:
            groups.append([row])
            alike_copies.append(groups[-1])
    return groups


def copies_of(view: SearchView, candidates: Candidates) -> Flags:
    """Tell which candidates are near-copies of a report; a report of few words has none."""
    if len(view.text_terms) < _FEWEST_TERMS:
        return np.zeros(len(candidates), dtype=np.bool_)
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    return np.array(
        [
            _agree(text, view.text_terms) and _agree(title, view.title_terms)
            for text, title in zip(texts, titles, strict=True)
        ],
        dtype=np.bool_,
    )


def alike_groups(candidates: Candidates) -> Integers:
    """Return a group number for each candidate; the candidates of a group describe the same issue.

    Groups are the connected components of candidates whose text vectors have a cosine of at least
    0.8.
    """
    vectors = candidates.text_vectors
    rows, others = np.nonzero(vectors @ vectors.T >= _NEAR_COSINE)
    graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(len(vectors),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _sets(ragged: Ragged) -> list[Hashes]:
    return np.split(ragged.values, ragged.starts[1:-1])


def _agree(first: Hashes, second: Hashes) -> bool:
    shorter, longer = sorted((len(first), len(second)))
    if shorter < _COPY_JACCARD * longer:
        return False
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared >= _COPY_JACCARD * (shorter + longer - shared)

"""Near-copies among search results, so that one entry stands for all of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.search.candidates import Candidates
from features.search.query import SearchView
from features.search.ragged_array import Hashes, Ragged

_ALIKE = 0.9
_TELLING_TERMS = 4
_NEAR = 0.8

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


def collapse_copies(candidates: Candidates, order: Sequence[int]) -> list[list[int]]:
    """Return the rows of `order` in groups of near-copies, each led by its first.

    Two rows are near-copies when the words of their titles and of their texts, variable parts
    masked, agree in nine of ten (Jaccard).
    """
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    alike = alike_groups(candidates)
    groups: list[list[int]] = []
    # Copies are alike, so most pairs need not be compared word by word.
    of_one_trouble: dict[int, list[list[int]]] = {}
    for row in order:
        rivals = of_one_trouble.setdefault(int(alike[row]), [])
        for group in rivals:
            first = group[0]
            if _agree(texts[row], texts[first]) and _agree(titles[row], titles[first]):
                group.append(row)
                break
        else:
            groups.append([row])
            rivals.append(groups[-1])
    return groups


def copies_of(view: SearchView, candidates: Candidates) -> Flags:
    """Tell which candidates are near-copies of a report; of a few words nobody can tell."""
    if len(view.text_terms) < _TELLING_TERMS:
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
    """Return a group number for each candidate: those of one group tell of one trouble.

    Groups are the connected components of candidates whose text vectors are near.
    """
    vectors = candidates.text_vectors
    rows, others = np.nonzero(vectors @ vectors.T >= _NEAR)
    graph = coo_array((np.ones(len(rows)), (rows, others)), shape=(len(vectors),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _sets(ragged: Ragged) -> list[Hashes]:
    return np.split(ragged.values, ragged.starts[1:-1])


def _agree(one: Hashes, other: Hashes) -> bool:
    shorter, longer = sorted((len(one), len(other)))
    if shorter < _ALIKE * longer:
        return False
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared >= _ALIKE * (shorter + longer - shared)

"""Near-copies among search results, so that one entry stands for all of them."""

from collections.abc import Sequence

import numpy as np

from features.encoding.candidates import Candidates
from features.encoding.ragged import Hashes, Ragged

_ALIKE = 0.9


def collapse_copies(candidates: Candidates, order: Sequence[int]) -> list[list[int]]:
    """Return the rows of `order` in groups of near-copies, each led by its first.

    Two rows are near-copies when the words of their titles and of their texts, variable parts
    masked, agree in nine of ten (Jaccard).
    """
    titles, texts = _sets(candidates.title_terms), _sets(candidates.text_terms)
    groups: list[list[int]] = []
    for row in order:
        for group in groups:
            first = group[0]
            if _agree(texts[row], texts[first]) and _agree(titles[row], titles[first]):
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def _sets(ragged: Ragged) -> list[Hashes]:
    return np.split(ragged.values, ragged.starts[1:-1])


def _agree(one: Hashes, other: Hashes) -> bool:
    shorter, longer = sorted((len(one), len(other)))
    if shorter < _ALIKE * longer:
        return False
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared >= _ALIKE * (shorter + longer - shared)

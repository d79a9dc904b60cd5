"""Groups texts that are near-copies of one another, without comparing all pairs."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from features.text.cleaning import clean_text

_PERMUTATIONS = 60
_BANDS = 12
_PRIME = np.uint64((1 << 61) - 1)

Integers = NDArray[np.int64]


def near_copy_groups(texts: Sequence[str], *, threshold: float = 0.8) -> Integers:
    """Return a group number for each text; texts with nearly the same set of words share a group.

    Candidate pairs come from MinHash signatures in bands (Broder 1997; Leskovec, Rajaraman and
    Ullman, Mining of Massive Datasets, chapter 3). They are linked if the estimated Jaccard
    similarity is at least `threshold`. Groups are the connected components of the links. An empty
    text is a group of its own.

    >>> near_copy_groups(["disk full on node a", "Disk full on node A", "printer jam"]).tolist()
    [0, 0, 1]
    """
    words = [_word_hashes(text) for text in texts]
    non_empty = np.flatnonzero([len(hashes) for hashes in words])
    groups = np.arange(len(texts), dtype=np.int64)
    if len(non_empty) < 2:
        return groups
    signatures = _signatures([words[row] for row in non_empty])
    pairs = _banded_pairs(signatures)
    similarity = (signatures[pairs[:, 0]] == signatures[pairs[:, 1]]).mean(axis=1)
    links = non_empty[pairs[similarity >= threshold]]
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(texts),) * 2)
    # The import takes a tenth of a second, and no server needs it to start.
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _word_hashes(text: str) -> NDArray[np.uint64]:
    words = set(clean_text(text).lower().split())
    return np.fromiter((crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))


def _signatures(words: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    generator = np.random.default_rng(0)
    factors = generator.integers(1, 1 << 29, size=_PERMUTATIONS, dtype=np.uint64)
    offsets = generator.integers(0, 1 << 60, size=_PERMUTATIONS, dtype=np.uint64)
    flat = np.concatenate(words)
    starts = np.concatenate(([0], np.cumsum([len(hashes) for hashes in words])[:-1]))
    signatures = np.empty((len(words), _PERMUTATIONS), dtype=np.uint32)
    for column, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
        mixed = ((flat * factor + offset) % _PRIME).astype(np.uint32)
        signatures[:, column] = np.minimum.reduceat(mixed, starts)
    return signatures


def _banded_pairs(signatures: NDArray[np.uint32]) -> Integers:
    rows = _PERMUTATIONS // _BANDS
    pairs = []
    for band in range(_BANDS):
        keys = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])
        _, bucket = np.unique(
            keys.view(np.dtype((np.void, keys.itemsize * rows))), return_inverse=True
        )
        order = np.argsort(bucket.ravel(), kind="stable")
        is_same_bucket = np.diff(bucket.ravel()[order]) == 0
        # Only neighbours in a bucket are paired; connected components join chains of linked pairs.
        pairs.append(np.stack([order[:-1][is_same_bucket], order[1:][is_same_bucket]], axis=1))
    return np.unique(np.concatenate(pairs), axis=0).astype(np.int64)

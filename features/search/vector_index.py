"""Finds the nearest vectors: scans short projections, then compares the best ones in full."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.search.index_file import Arrays
from features.search.ragged_array import Slots, grown

_SCANNED_DIMENSIONS = 96
_COMPARED = 4
_LEARNED_FROM = 20_000
_AT_ONCE = 2_048
# The floats of so many vectors take 96 kB: new memory for more, from the system, costs several
# times as much as the products.
_COMPARED_AT_ONCE = 64
_LEVELS = 127

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class PackedVectors:
    """Unit vectors by slot, with one byte per component and a scale for each vector.

    >>> packed = PackedVectors(2)
    >>> packed.put(np.array([1]), np.array([[0.6, 0.8]], dtype=np.float32))
    >>> packed.cosine(np.array([1]), np.array([0.6, 0.8], dtype=np.float32)).round(2).tolist()
    [1.0]
    """

    def __init__(self, dimension: int) -> None:
        self._levels = np.zeros((0, dimension), dtype=np.int8)
        self._scales = np.zeros(0, dtype=np.float32)

    def put(self, slots: Slots, vectors: Vectors) -> None:
        """Store vectors at slots, in place of the former ones; zeros stand for an empty text."""
        while slots.max(initial=-1) >= len(self._scales):
            self._levels, self._scales = grown(self._levels), grown(self._scales)
        scales = np.abs(vectors).max(axis=1) / _LEVELS
        divisor = np.where(scales > 0, scales, 1)[:, None]
        self._levels[slots] = np.rint(vectors / divisor).astype(np.int8)
        self._scales[slots] = scales

    def state(self, slots: Slots) -> Arrays:
        """Return the arrays of slots, which `restore` puts at slots 0, 1, and so on."""
        return {"levels": self._levels[slots], "scales": self._scales[slots]}

    def restore(self, arrays: Arrays) -> None:
        """Take over the vectors whose `state` is given."""
        self._levels = np.asarray(arrays["levels"], dtype=np.int8)
        self._scales = np.asarray(arrays["scales"], dtype=np.float32)

    def rows(self, slots: Slots) -> Vectors:
        """Return the vectors of slots, of shape (slots, dimension)."""
        vectors = self._levels[slots].astype(np.float32)
        vectors *= self._scales[slots, None]
        return vectors

    def cosine(self, slots: Slots, vector: Vectors) -> Floats:
        """Return each slot's cosine with a unit vector."""
        products = np.empty(len(slots), dtype=np.float32)
        for start in range(0, len(slots), _COMPARED_AT_ONCE):
            block = slice(start, start + _COMPARED_AT_ONCE)
            products[block] = self._levels[slots[block]].astype(np.float32) @ vector
        return products * self._scales[slots]


class VectorIndex:
    """Finds the nearest vectors in two stages.

    All vectors are scanned by at most 96 main components; the `4 * count` best are then compared by
    their cosines in all dimensions. The components are those of the uncentred covariance (PCA) and
    are computed again when the number of vectors has doubled.

    >>> index = VectorIndex(2)
    >>> index.put(np.arange(2), np.eye(2, dtype=np.float32))
    >>> vector, all_slots = np.array([0.6, 0.8], dtype=np.float32), np.ones(2, dtype=bool)
    >>> index.search(vector, count=1, is_allowed=all_slots).tolist()
    [1]
    """

    def __init__(self, dimension: int) -> None:
        self.packed = PackedVectors(dimension)
        self._basis = np.eye(dimension, dtype=np.float32)[:, :_SCANNED_DIMENSIONS]
        self._scanned = np.zeros((0, self._basis.shape[1]), dtype=np.float32)
        self._count = 0
        self._learned_at = 0

    def put(self, slots: Slots, vectors: Vectors) -> None:
        """Store vectors at slots, in place of the former ones."""
        self.packed.put(slots, vectors)
        while slots.max(initial=-1) >= len(self._scanned):
            self._scanned = grown(self._scanned)
        self._scanned[slots] = vectors @ self._basis
        self._count = max(self._count, int(slots.max(initial=-1)) + 1)
        if self._count > 2 * self._learned_at:
            self._learn_components()

    def state(self, slots: Slots) -> Arrays:
        """Return the arrays of slots, which `restore` puts at slots 0, 1, and so on."""
        scanned = {"basis": self._basis, "scanned": self._scanned[slots]}
        return {**self.packed.state(slots), **scanned}

    def restore(self, arrays: Arrays) -> None:
        """Take over the vectors whose `state` is given."""
        self.packed.restore(arrays)
        self._basis = np.asarray(arrays["basis"], dtype=np.float32)
        self._scanned = np.asarray(arrays["scanned"], dtype=np.float32)
        self._count = self._learned_at = len(self._scanned)

    def search(self, vector: Vectors, *, count: int, is_allowed: Flags) -> Slots:
        """Return the nearest of the allowed slots, nearest first; none for a zero vector."""
        similarity = self._scanned[: len(is_allowed)] @ (vector @ self._basis)
        similarity[~is_allowed] = -np.inf
        compared = min(_COMPARED * count, int(is_allowed.sum()))
        if compared == 0 or not vector.any():
            return np.empty(0, dtype=np.int64)
        candidates = np.argpartition(similarity, -compared)[-compared:]
        order = np.lexsort((candidates, -self.packed.cosine(candidates, vector)))
        return candidates[order[:count]]

    def _learn_components(self) -> None:
        stride = max(1, self._count // _LEARNED_FROM)
        covariance = np.zeros((self._basis.shape[0],) * 2, dtype=np.float32)
        for slots in _batches(np.arange(0, self._count, stride)):
            sample = self.packed.rows(slots)
            covariance += sample.T @ sample
        _, components = np.linalg.eigh(covariance)
        self._basis = np.ascontiguousarray(components[:, ::-1][:, :_SCANNED_DIMENSIONS])
        for slots in _batches(np.arange(self._count)):
            self._scanned[slots] = self.packed.rows(slots) @ self._basis
        self._learned_at = self._count


def _batches(slots: Slots) -> Iterator[Slots]:
    # One large batch would leave the process with memory that is never returned to the system.
    return (slots[start : start + _AT_ONCE] for start in range(0, len(slots), _AT_ONCE))

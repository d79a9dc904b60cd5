"""Which vectors are nearest: a short projection is scanned, the best are compared in full."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.search.ragged_array import Slots, grown

_SCANNED_DIMENSIONS = 96
_COMPARED = 4
_LEARNED_FROM = 20_000
_AT_ONCE = 2_048
_LEVELS = 127

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class PackedVectors:
    """Unit vectors by slot in a byte per number, with a scale for each vector.

    >>> packed = PackedVectors(2)
    >>> packed.put(np.array([1]), np.array([[0.6, 0.8]], dtype=np.float32))
    >>> packed.cosine(np.array([1]), np.array([0.6, 0.8], dtype=np.float32)).round(2).tolist()
    [1.0]
    """

    def __init__(self, dimension: int) -> None:
        self._levels = np.zeros((0, dimension), dtype=np.int8)
        self._scales = np.zeros(0, dtype=np.float32)

    def put(self, slots: Slots, vectors: Vectors) -> None:
        """Keep vectors, in place of those before; zeros stand for no text."""
        while slots.max(initial=-1) >= len(self._scales):
            self._levels, self._scales = grown(self._levels), grown(self._scales)
        scales = np.abs(vectors).max(axis=1) / _LEVELS
        divisor = np.where(scales > 0, scales, 1)[:, None]
        self._levels[slots] = np.rint(vectors / divisor).astype(np.int8)
        self._scales[slots] = scales

    def rows(self, slots: Slots) -> Vectors:
        """Return vectors of shape (slots, dimension)."""
        return self._levels[slots].astype(np.float32) * self._scales[slots, None]

    def cosine(self, slots: Slots, vector: Vectors) -> Floats:
        """Return each slot's cosine with a unit vector."""
        return np.asarray((self._levels[slots].astype(np.float32) @ vector) * self._scales[slots])


class VectorIndex:
    """Exact cosines of the nearest among vectors whose main components are scanned.

    The components are those of the uncentred covariance (PCA), learned again when the number of
    vectors has doubled; few vectors are spanned by them entirely.

    >>> index = VectorIndex(2)
    >>> index.put(np.arange(2), np.eye(2, dtype=np.float32))
    >>> everyone = np.ones(2, dtype=bool)
    >>> index.search(np.array([0.6, 0.8], dtype=np.float32), count=1, among=everyone).tolist()
    [1]
    """

    def __init__(self, dimension: int) -> None:
        self.packed = PackedVectors(dimension)
        self._basis = np.eye(dimension, dtype=np.float32)[:, :_SCANNED_DIMENSIONS]
        self._scanned = np.zeros((0, self._basis.shape[1]), dtype=np.float32)
        self._count = 0
        self._learned_at = 0

    def put(self, slots: Slots, vectors: Vectors) -> None:
        """Keep vectors at slots, in place of those before."""
        self.packed.put(slots, vectors)
        while slots.max(initial=-1) >= len(self._scanned):
            self._scanned = grown(self._scanned)
        self._scanned[slots] = vectors @ self._basis
        self._count = max(self._count, int(slots.max(initial=-1)) + 1)
        if self._count > 2 * self._learned_at:
            self._learn_components()

    def search(self, vector: Vectors, *, count: int, among: Flags) -> Slots:
        """Return the slots of the nearest vectors, nearest first, of those that are `among`."""
        closeness = self._scanned[: len(among)] @ (vector @ self._basis)
        closeness[~among] = -np.inf
        compared = min(_COMPARED * count, int(among.sum()))
        if compared == 0 or not vector.any():
            return np.empty(0, dtype=np.int64)
        near = np.argpartition(closeness, -compared)[-compared:]
        order = np.lexsort((near, -self.packed.cosine(near, vector)))
        return near[order[:count]]

    def _learn_components(self) -> None:
        stride = max(1, self._count // _LEARNED_FROM)
        covariance = np.zeros((self._basis.shape[0],) * 2, dtype=np.float32)
        for slots in _parts(np.arange(0, self._count, stride)):
            sample = self.packed.rows(slots)
            covariance += sample.T @ sample
        _, components = np.linalg.eigh(covariance)
        self._basis = np.ascontiguousarray(components[:, ::-1][:, :_SCANNED_DIMENSIONS])
        for slots in _parts(np.arange(self._count)):
            self._scanned[slots] = self.packed.rows(slots) @ self._basis
        self._learned_at = self._count


def _parts(slots: Slots) -> Iterator[Slots]:
    # Memory that is used once, and much of it, is not all given back.
    return (slots[start : start + _AT_ONCE] for start in range(0, len(slots), _AT_ONCE))

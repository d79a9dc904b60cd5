"""Arrays of rows of unequal length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Slots = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows in one array: row `n` is `values[starts[n]:starts[n + 1]]`."""

    values: Hashes
    starts: Slots

    def take(self, rows: Slots) -> "Ragged":
        """Return some rows, in this order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        shift = np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Ragged(self.values[np.arange(starts[-1]) + shift], starts)


class RaggedRows:
    """Rows of hashes by slot, in one growing array.

    A row is replaced by appending the new one. When the array is full and replaced rows take more
    than half of it, their space is reclaimed; otherwise the array grows.

    >>> rows = RaggedRows()
    >>> rows.put(2, np.array([7, 9], dtype=np.uint32))
    >>> rows.gather(np.array([0, 2])).starts.tolist()
    [0, 0, 2]
    """

    def __init__(self) -> None:
        self._flat: Hashes = np.empty(1024, dtype=np.uint32)
        self._starts: Slots = np.zeros(16, dtype=np.int64)
        self._lengths: NDArray[np.int32] = np.zeros(16, dtype=np.int32)
        self._used = 0
        self._alive = 0

    def put(self, slot: int, row: Hashes) -> None:
        """Store a row at a slot, in place of the slot's former row."""
        while slot >= len(self._starts):
            self._starts = grown(self._starts)
            self._lengths = grown(self._lengths)
        self._alive += len(row) - int(self._lengths[slot])
        self._lengths[slot] = 0
        self._make_room(len(row))
        self._flat[self._used : self._used + len(row)] = row
        self._starts[slot], self._lengths[slot] = self._used, len(row)
        self._used += len(row)

    def row(self, slot: int) -> Hashes:
        """Return a slot's row, empty if it has none."""
        start = self._starts[slot]
        return self._flat[start : start + self._lengths[slot]]

    def gather(self, slots: Slots) -> Ragged:
        """Return the rows of slots, in the order of the slots."""
        lengths = self._lengths[slots]
        ends = np.cumsum(lengths, dtype=np.int64)
        starts = np.concatenate(([0], ends))
        shift = np.repeat(self._starts[slots] - starts[:-1], lengths)
        return Ragged(self._flat[np.arange(starts[-1]) + shift], starts)

    @classmethod
    def of(cls, rows: Ragged) -> "RaggedRows":
        """Return these rows, at the slots 0, 1, and so on."""
        made = cls()
        made._flat, made._starts = rows.values, rows.starts[:-1].copy()
        made._lengths = np.diff(rows.starts).astype(np.int32)
        made._used = made._alive = len(rows.values)
        return made

    def _make_room(self, count: int) -> None:
        if self._used + count <= len(self._flat):
            return
        if self._alive + count < len(self._flat) // 2:
            self._compact()
        while self._used + count > len(self._flat):
            self._flat = grown(self._flat)

    def _compact(self) -> None:
        rows = self.gather(np.arange(len(self._starts)))
        self._flat[: len(rows.values)] = rows.values
        self._starts, self._used = rows.starts[:-1].copy(), len(rows.values)


def grown(array: NDArray[np.generic]) -> NDArray:  # type: ignore[type-arg]
    """Return a copy with rows of zeros appended: an eighth as many as before, at least 1,024."""
    padding = np.zeros((max(1024, len(array) // 8), *array.shape[1:]), dtype=array.dtype)
    return np.concatenate([array, padding])

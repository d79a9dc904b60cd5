"""Stores a model's big arrays as .npy files, and its long tables as JSON text in the skops file."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.artifacts.object_graph import rebuild

SMALLEST_STORED_BYTES = 64 * 1024
SMALLEST_TABLE = 256
"""A table with at least this many entries is stored as JSON text.

Skops would write a JSON node for each entry, and a file for each entry that is a NumPy scalar.
"""

_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})
_SPARSE_TYPES: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array)
}
_TABLE_TYPES: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "list": list,
    "tuple": tuple,
    "ndarray": lambda items: np.array(items, dtype=object),
}


@dataclass(frozen=True)
class StoredArray:
    """Placeholder in the skops file for the array in `arrays/<number>.npy`."""

    number: int


@dataclass(frozen=True)
class StoredSparse:
    """Placeholder for a compressed sparse matrix whose three arrays are in .npy files."""

    type_name: str
    shape: tuple[int, int]
    data: StoredArray
    indices: StoredArray
    indptr: StoredArray


@dataclass(frozen=True)
class StoredTable:
    """Placeholder for a long dict, list, tuple or object array of plain values, as JSON text."""

    type_name: str
    text: str


def store_arrays(model: object, folder: Path) -> object:
    """Return a copy of `model` with placeholders, and write its big arrays to `folder`.

    Long tables are replaced too; their NumPy scalars become Python scalars. Only the objects that
    contain a replaced part are copied; `model` is never changed.
    """
    folder.mkdir()
    writer = _ArrayWriter(folder)
    return rebuild(model, writer.store)


def restore_arrays(model: object, folder: Path) -> object:
    """Return a copy of `model` with tables and arrays instead of placeholders.

    The arrays are mapped from `folder`, read-only.
    """
    return rebuild(model, lambda value: _restore(value, folder))


class _ArrayWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def store(self, value: object) -> object:
        if isinstance(value, np.ndarray) and _is_big(value):
            return self._store_array(value)
        if type(value).__name__ in _SPARSE_TYPES:
            return self._store_sparse(cast("sparse.csr_array", value))
        return _as_table(value)

    def _store_array(self, array: NDArray[Any]) -> StoredArray:
        number, self._count = self._count, self._count + 1
        np.save(_array_file(self._folder, number), array, allow_pickle=False)
        return StoredArray(number)

    def _store_sparse(self, matrix: sparse.csr_array) -> object:
        if matrix.data.nbytes + matrix.indices.nbytes < SMALLEST_STORED_BYTES:
            return matrix
        # SciPy would sort the indices in place later, which fails on arrays mapped read-only.
        sorted_matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
        parts = (sorted_matrix.data, sorted_matrix.indices, sorted_matrix.indptr)
        stored_parts = (self._store_array(part) for part in parts)
        return StoredSparse(type(matrix).__name__, matrix.shape, *stored_parts)


def _is_big(array: NDArray[Any]) -> bool:
    is_plain = type(array) in (np.ndarray, np.memmap) and not array.dtype.hasobject
    return is_plain and array.nbytes >= SMALLEST_STORED_BYTES


def _array_file(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}.npy"


def _load_array(folder: Path, stored: StoredArray) -> NDArray[Any]:
    mapped = np.load(_array_file(folder, stored.number), mmap_mode="r", allow_pickle=False)
    return np.asarray(mapped)


def _restore(value: object, folder: Path) -> object:
    match value:
        case StoredArray():
            return _load_array(folder, value)
        case StoredSparse():
            parts = (value.data, value.indices, value.indptr)
            arrays = tuple(_load_array(folder, part) for part in parts)
            return _SPARSE_TYPES[value.type_name](arrays, shape=value.shape, copy=False)
        case StoredTable():
            return _TABLE_TYPES[value.type_name](json.loads(value.text))
    return value


def _as_table(value: object) -> object:
    name = type(value).__name__
    content = _plain_content(value) if name in _TABLE_TYPES else None
    if content is None or len(content) < SMALLEST_TABLE:
        return value
    return StoredTable(name, json.dumps(content))


def _plain_content(value: object) -> dict[str, Any] | list[Any] | None:
    """Return a container's content for JSON, or None if JSON cannot hold all of it."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject and value.ndim == 1:
        value = value.tolist()
    try:
        if isinstance(value, dict) and all(type(key) is str for key in value):
            return {key: _plain_value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [_plain_value(item) for item in value]
    except TypeError:
        return None
    return None


def _plain_value(value: object) -> object:
    if isinstance(value, np.integer | np.floating | np.str_):
        value = value.item()
    if type(value) not in _PLAIN_TYPES:
        raise TypeError(f"{type(value).__name__} is not plain")
    return value

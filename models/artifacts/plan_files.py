"""Writes what serves as a plan: a JSON tree of its parts, beside its arrays as .npy files.

Only numbers, texts, containers, arrays and objects of listed classes can be part of a plan. No code
runs when it is read: an object gets its attributes, and its constructor is not called.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from features.errors import ArtifactRejected

PLAN = "plan.json"
_SMALLEST_FILE_BYTES = 4096
_SPARSE: Mapping[str, Callable[..., Any]] = {
    kind.__name__: kind for kind in (sparse.csr_array, sparse.csc_array)
}

# Models that were fitted on the same incidents have equal arrays; each is held once.
_HELD: WeakValueDictionary[str, NDArray[Any]] = WeakValueDictionary()


def write_plan(root: object, folder: Path) -> None:
    """Write an object and all its parts; raises `TypeError` for a part that a plan cannot hold."""
    folder.mkdir()
    text = json.dumps(_PlanWriter(folder).describe(root), separators=(",", ":"))
    (folder / PLAN).write_text(text, encoding="utf-8")


def read_plan(
    read: Callable[[str], bytes], hash_of: Mapping[str, str], trusted: Collection[str]
) -> Any:  # noqa: ANN401
    """Return the object of a plan; its arrays are read-only and in memory.

    `read` returns the content of one of the plan's files, `hash_of` its SHA-256, by the file's
    name. `trusted` are the import paths of the allowed classes. Raises `ArtifactRejected` for any
    other class.
    """
    return _PlanReader(read, hash_of, frozenset(trusted)).build(json.loads(read(PLAN)))


class _PlanWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # An id is unique only while its object exists, so the array is kept beside its name.
        self._written: dict[int, tuple[NDArray[Any], str]] = {}

    def describe(self, value: object) -> object:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or type(value) in (str, int, float, bool):
            return value
        if isinstance(value, np.ndarray):
            return self._describe_array(value)
        if type(value).__name__ in _SPARSE:
            return self._describe_sparse(value)
        if isinstance(value, Mapping):
            items = [[self.describe(key), self.describe(part)] for key, part in value.items()]
            return {"dict": items}
        if type(value) in (list, tuple):
            return {type(value).__name__: [self.describe(part) for part in value]}  # type: ignore[attr-defined]
        return self._describe_object(value)

    def _describe_array(self, array: NDArray[Any]) -> object:
        if array.dtype.hasobject:
            return {"objects": [self.describe(item) for item in array.tolist()]}
        if array.nbytes < _SMALLEST_FILE_BYTES:
            return {"values": array.tolist(), "dtype": array.dtype.str, "shape": array.shape}
        if id(array) not in self._written:
            name = f"{len(self._written):04d}.npy"
            np.save(self._folder / name, np.ascontiguousarray(array), allow_pickle=False)
            self._written[id(array)] = (array, name)
        return {"array": self._written[id(array)][1]}

    def _describe_sparse(self, matrix: Any) -> object:  # noqa: ANN401
        if not matrix.has_sorted_indices:
            matrix = matrix.sorted_indices()
        parts = [self.describe(part) for part in (matrix.data, matrix.indices, matrix.indptr)]
        return {"sparse": type(matrix).__name__, "shape": matrix.shape, "parts": parts}

    def _describe_object(self, value: object) -> object:
        kind = type(value)
        state = {name: self.describe(part) for name, part in _state_of(value).items()}
        return {"type": f"{kind.__module__}.{kind.__qualname__}", "state": state}


def _state_of(value: object) -> dict[str, Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if not hasattr(value, "__dict__") or callable(value):
        raise TypeError(f"a plan cannot hold a {type(value).__name__}")
    state = value.__getstate__()
    return state if isinstance(state, dict) else {}


class _PlanReader:
    def __init__(
        self,
        read: Callable[[str], bytes],
        hash_of: Mapping[str, str],
        trusted: frozenset[str],
    ) -> None:
        self._read = read
        self._hash_of = hash_of
        self._trusted = trusted

    def build(self, node: Any) -> Any:  # noqa: ANN401
        match node:
            case {"array": name}:
                return self._array(name)
            case {"values": values, "dtype": dtype, "shape": shape}:
                return np.array(values, dtype=dtype).reshape(shape)
            case {"objects": items}:
                return np.array([self.build(item) for item in items], dtype=object)
            case {"sparse": kind, "shape": shape, "parts": parts}:
                arrays = tuple(self.build(part) for part in parts)
                return _SPARSE[kind](arrays, shape=tuple(shape), copy=False)
            case {"dict": items}:
                return {self.build(key): self.build(part) for key, part in items}
            case {"list": items}:
                return [self.build(item) for item in items]
            case {"tuple": items}:
                return tuple(self.build(item) for item in items)
            case {"type": path, "state": state}:
                return self._object(path, state)
        return node

    def _array(self, name: str) -> NDArray[Any]:
        key = self._hash_of[name]
        array = _HELD.get(key)
        if array is None:
            array = _parse_array(self._read(name))
            _HELD[key] = array
        return array

    def _object(self, path: str, state: Mapping[str, Any]) -> object:
        if path not in self._trusted:
            raise ArtifactRejected(f"the model holds a {path}, which is no type of a model")
        module, _, name = path.rpartition(".")
        kind = getattr(import_module(module), name)
        built = kind.__new__(kind)
        for attribute, node in state.items():
            # Frozen dataclasses refuse a plain assignment.
            object.__setattr__(built, attribute, self.build(node))
        return built


def _parse_array(content: bytes) -> NDArray[Any]:
    """Return the array of a .npy file without copying it."""
    file = BytesIO(content)
    np.lib.format.read_magic(file)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    array = np.frombuffer(content, dtype=dtype, offset=file.tell())
    return array.reshape(shape, order="F" if is_fortran else "C")

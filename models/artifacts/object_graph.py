"""Copies an object graph with some of its parts replaced."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

_LEAVES = (str, int, float, bool, bytes, type(None), type, FunctionType, MethodType, ModuleType)


def rebuild(root: object, swap: Callable[[object], object]) -> object:
    """Return a copy of `root` in which `swap(part)` replaces each part.

    If `swap` returns the part itself, the parts inside it are visited: the items of dicts, lists
    and tuples, and the attributes of objects. Parts without a replacement inside are shared with
    `root`, which is never changed. If a part is referenced twice, both references get the same
    replacement.

    >>> rebuild({"a": [1, "x"], "b": (2,)}, lambda part: part if part != "x" else "y")
    {'a': [1, 'y'], 'b': (2,)}
    """
    results: dict[int, tuple[object, object]] = {}

    def visit(value: object) -> object:
        # `value` is stored with its result, because an id is unique only while its object exists.
        if id(value) not in results:
            replacement = swap(value)
            results[id(value)] = (
                value,
                (_rebuild_parts(value, visit) if replacement is value else replacement),
            )
        return results[id(value)][1]

    return visit(root)


def _rebuild_parts(value: object, visit: Callable[[object], object]) -> object:
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, dict):
        return _replace_items(value, value.items(), visit)
    if isinstance(value, list):
        return _replace_items(value, enumerate(value), visit)
    if isinstance(value, tuple):
        return _rebuild_tuple(value, visit)
    return _rebuild_object(value, visit)


def _replace_items(
    value: dict[Any, Any] | list[Any],
    items: Iterable[tuple[Any, object]],
    visit: Callable[[object], object],
) -> object:
    replacements = _replacements(items, visit)
    if not replacements:
        return value
    clone = copy.copy(value)
    for key, part in replacements.items():
        clone[key] = part
    return clone


def _rebuild_tuple(value: tuple[object, ...], visit: Callable[[object], object]) -> object:
    parts = [visit(part) for part in value]
    if all(new is old for new, old in zip(parts, value, strict=True)):
        return value
    return type(value)._make(parts) if hasattr(value, "_make") else tuple(parts)


def _rebuild_object(value: object, visit: Callable[[object], object]) -> object:
    replacements = _replacements(_saved_attributes(value).items(), visit)
    if not replacements:
        return value
    clone = copy.copy(value)
    for name, part in replacements.items():
        object.__setattr__(clone, name, part)  # frozen dataclasses refuse a plain assignment
    return clone


def _replacements(
    items: Iterable[tuple[Any, object]], visit: Callable[[object], object]
) -> dict[Any, object]:
    visited = ((key, part, visit(part)) for key, part in items)
    return {key: new for key, old, new in visited if new is not old}


def _saved_attributes(value: object) -> dict[str, Any]:
    """Return the attributes that are saved with `value`; `__getstate__` leaves out caches."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if not hasattr(value, "__dict__"):
        return {}
    state = value.__getstate__()
    return state if isinstance(state, dict) else {}

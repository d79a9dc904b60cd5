"""A copy of an object graph with some of its parts replaced."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

_LEAVES = (str, int, float, bool, bytes, type(None), type, FunctionType, MethodType, ModuleType)


def rebuild(root: object, swap: Callable[[object], object]) -> object:
    """Return `root` with every part that `swap` answers differently for replaced by that answer.

    Walks dicts, lists, tuples and whatever objects hold in their attributes. Parts without a
    replacement inside are shared with the original, which is never changed; a part that is
    referred to twice is replaced once.

    >>> rebuild({"a": [1, "x"], "b": (2,)}, lambda part: part if part != "x" else "y")
    {'a': [1, 'y'], 'b': (2,)}
    """
    done: dict[int, tuple[object, object]] = {}

    def visit(value: object) -> object:
        # The memo keeps `value` too, for ids are unique only among the living.
        if id(value) not in done:
            replaced = swap(value)
            done[id(value)] = (
                value,
                (_rebuild_parts(value, visit) if replaced is value else replaced),
            )
        return done[id(value)][1]

    return visit(root)


def _rebuild_parts(value: object, visit: Callable[[object], object]) -> object:
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, dict):
        return _with_items(value, value.items(), visit)
    if isinstance(value, list):
        return _with_items(value, enumerate(value), visit)
    if isinstance(value, tuple):
        return _rebuild_tuple(value, visit)
    return _rebuild_object(value, visit)


def _with_items(
    value: dict[Any, Any] | list[Any],
    items: Iterable[tuple[Any, object]],
    visit: Callable[[object], object],
) -> object:
    changed = _changes(items, visit)
    if not changed:
        return value
    clone = copy.copy(value)
    for key, part in changed.items():
        clone[key] = part
    return clone


def _rebuild_tuple(value: tuple[object, ...], visit: Callable[[object], object]) -> object:
    parts = [visit(part) for part in value]
    if all(new is old for new, old in zip(parts, value, strict=True)):
        return value
    return type(value)._make(parts) if hasattr(value, "_make") else tuple(parts)


def _rebuild_object(value: object, visit: Callable[[object], object]) -> object:
    changed = _changes(_attributes(value).items(), visit)
    if not changed:
        return value
    clone = copy.copy(value)
    for name, part in changed.items():
        object.__setattr__(clone, name, part)  # frozen dataclasses refuse a plain assignment
    return clone


def _changes(
    items: Iterable[tuple[Any, object]], visit: Callable[[object], object]
) -> dict[Any, object]:
    visited = ((key, part, visit(part)) for key, part in items)
    return {key: new for key, old, new in visited if new is not old}


def _attributes(value: object) -> dict[str, Any]:
    """Return what `value` itself wants saved, so that caches it drops are not walked."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if not hasattr(value, "__dict__"):
        return {}
    state = value.__getstate__()
    return state if isinstance(state, dict) else {}

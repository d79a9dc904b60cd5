"""Caches the results of functions of texts, and clears all these caches of a process."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R", bound=Hashable)

_CLEAR_FUNCTIONS: list[Callable[[], None]] = []


def cached(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that caches at most `most` results of a pure function of texts.

    >>> @cached(2)
    ... def shout(text: str) -> str:
    ...     print("thinking")
    ...     return text.upper()
    >>> shout("vpn"), shout("vpn")
    thinking
    ('VPN', 'VPN')
    """

    def add_cache(function: Callable[P, R]) -> Callable[P, R]:
        cached_function = lru_cache(maxsize=most)(function)
        _CLEAR_FUNCTIONS.append(cached_function.cache_clear)
        return cast("Callable[P, R]", cached_function)

    return add_cache


def clear_cached() -> None:
    """Clear every cache, because it is unknown which results came from a deleted text."""
    for clear in _CLEAR_FUNCTIONS:
        clear()

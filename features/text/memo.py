"""Results cached by text, and how a process forgets all of them."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R", bound=Hashable)

_FORGET: list[Callable[[], None]] = []


def cached(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that keeps the `most` recent results of a pure function of texts.

    >>> @cached(2)
    ... def shout(text: str) -> str:
    ...     print("thinking")
    ...     return text.upper()
    >>> shout("vpn"), shout("vpn")
    thinking
    ('VPN', 'VPN')
    """

    def remember(function: Callable[P, R]) -> Callable[P, R]:
        kept = lru_cache(maxsize=most)(function)
        _FORGET.append(kept.cache_clear)
        return cast("Callable[P, R]", kept)

    return remember


def clear_cached() -> None:
    """Forget every result: which text a memory got it from cannot be told once the text is gone."""
    for forget in _FORGET:
        forget()

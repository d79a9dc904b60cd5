"""Lets equal values of a table be one string, since most columns repeat few values."""

from collections.abc import Callable

_MOST_VALUES = 65_536


def shared_values() -> Callable[[list[str]], list[str]]:
    """Return a function that replaces values by equal ones that it has seen before.

    It remembers up to 65,536 values; then it forgets all of them, so that ids and texts, which do
    not repeat, take no memory.

    >>> share = shared_values()
    >>> first, second = share(["".join(["Net", "work"])]), share(["".join(["Net", "work"])])
    >>> first[0] is second[0]
    True
    """
    known: dict[str, str] = {}

    def share(cells: list[str]) -> list[str]:
        if len(known) > _MOST_VALUES:
            known.clear()
        return list(map(known.setdefault, cells, cells))

    return share

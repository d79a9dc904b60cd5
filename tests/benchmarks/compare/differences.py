"""What differs between two results: numbers beyond a tolerance, and everything else exactly."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from math import isclose
from typing import Any

_ABSENT = "(absent)"
_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")


def differences(
    before: Any, after: Any, tolerance: float, path: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield each place in which two JSON values differ, and what differs there.

    >>> list(differences({"label": "VPN", "rank": 0.5}, {"label": "VPN", "rank": 0.6}, 0.01))
    [('.rank', '0.5, now 0.6')]
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            pair = before.get(key, _ABSENT), after.get(key, _ABSENT)
            yield from differences(*pair, tolerance, f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for place, pair in enumerate(zip_longest(before, after, fillvalue=_ABSENT)):
            yield from differences(*pair, tolerance, f"{path}[{place}]")
    elif not _equal(before, after, tolerance):
        yield path, f"{_short(before)}, now {_short(after)}"


def _equal(before: Any, after: Any, tolerance: float) -> bool:
    if isinstance(before, float) and isinstance(after, float | int):
        return isclose(before, after, rel_tol=0, abs_tol=tolerance)
    if isinstance(before, str) and isinstance(after, str):
        return _RUN_ID.sub("RUN", before) == _RUN_ID.sub("RUN", after)
    return bool(before == after)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."

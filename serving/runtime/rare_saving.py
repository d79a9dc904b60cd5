"""Decides how often what takes long to save is saved."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CHEAP_SECONDS = 0.25
# The states of 10,000 series are 90 MB. What was not saved is read and scored again after a crash.
_TIMES_RARER = 150.0


class RareSaving:
    """Saves each time while that takes under a quarter of a second, else every 150 durations.

    >>> seconds = iter([0.0, 0.0, 2.0, 100.0, 400.0])
    >>> saving = RareSaving(lambda: next(seconds))
    >>> saving.is_due()
    True
    >>> with saving.measured():
    ...     pass
    >>> saving.is_due(), saving.is_due()
    (False, True)
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due_at = float("-inf")

    def is_due(self) -> bool:
        """Return whether it is time to save."""
        return self._monotonic() >= self._due_at

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure how long a saving takes; one that fails is due again."""
        began = self._monotonic()
        yield
        now = self._monotonic()
        is_cheap = now - began < _CHEAP_SECONDS
        self._due_at = now if is_cheap else now + _TIMES_RARER * (now - began)

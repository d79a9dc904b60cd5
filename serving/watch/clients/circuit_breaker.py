"""Waits longer after each failure; tells of a trouble once when it begins and once when over."""

import logging
from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_FIRST_SECONDS = 5.0
_MOST_SECONDS = 300.0


class CircuitBreaker:
    """Whether something may be tried at a time; the wait doubles from 5 s up to `most_seconds`.

    `count` is called at each failure. A clock that comes back from the future ends the wait.

    >>> backoff = CircuitBreaker("Prometheus", {})
    >>> backoff.is_ready(0.0), backoff.problem
    (True, None)
    """

    def __init__(
        self,
        what: str,
        facts: Mapping[str, str],
        count: Callable[[], None] | None = None,
        *,
        most_seconds: float = _MOST_SECONDS,
    ) -> None:
        self._what = what
        self._facts = dict(facts)
        self._count = count
        self._most_seconds = most_seconds
        self._failures = 0
        self._failed_at = 0.0
        self._retry_at = 0.0
        self.problem: str | None = None

    def is_ready(self, now: float) -> bool:
        """Tell whether to try (again)."""
        return not self._failed_at <= now < self._retry_at

    @property
    def retry_at(self) -> float:
        """The time of the next try; 0 without a failure."""
        return self._retry_at

    def fail(self, problem: str, now: float, error: Exception | None = None) -> None:
        """Note a failure; an `error` that nobody foresaw is told with where it came from."""
        # The power is bounded: after a week of failures it would be no float.
        wait = _FIRST_SECONDS * 2.0 ** min(self._failures, 10)
        self._failures += 1
        if self._count is not None:
            self._count()
        self._failed_at = now
        self._retry_at = now + min(wait, self._most_seconds)
        if self.problem is None:
            facts = {**self._facts, "reason": problem}
            _log.warning("%s fails", self._what, extra={"fields": facts}, exc_info=error)
        self.problem = problem

    def succeed(self) -> None:
        """Note that it works."""
        if self.problem is not None:
            _log.info("%s works again", self._what, extra={"fields": self._facts})
        self._failures, self._retry_at, self.problem = 0, 0.0, None

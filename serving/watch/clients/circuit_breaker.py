"""Delays retries for longer after each failure, and logs when failures begin and end."""

import logging
from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_FIRST_SECONDS = 5.0
_MOST_SECONDS = 300.0


class CircuitBreaker:
    """Decides when to retry an action; the wait doubles from 5 s up to `most_seconds`.

    `count` is called at each failure. If the clock is set back, the wait ends at once.

    >>> breaker = CircuitBreaker("Prometheus", {})
    >>> breaker.is_ready(0.0), breaker.problem
    (True, None)
    """

    def __init__(
        self,
        subject: str,
        fields: Mapping[str, str],
        count: Callable[[], None] | None = None,
        *,
        most_seconds: float = _MOST_SECONDS,
    ) -> None:
        self._subject = subject
        self._fields = dict(fields)
        self._count = count
        self._most_seconds = most_seconds
        self._failures = 0
        self._failed_at = 0.0
        self._retry_at = 0.0
        self.problem: str | None = None

    def is_ready(self, now: float) -> bool:
        """Return whether to try now."""
        return not self._failed_at <= now < self._retry_at

    @property
    def retry_at(self) -> float:
        """The time of the next try; 0 without a failure."""
        return self._retry_at

    def fail(self, problem: str, now: float, error: Exception | None = None) -> None:
        """Record a failure; an unexpected `error` is logged with its traceback."""
        # The exponent is limited, since the power would overflow after a thousand failures.
        wait = _FIRST_SECONDS * 2.0 ** min(self._failures, 10)
        self._failures += 1
        if self._count is not None:
            self._count()
        self._failed_at = now
        self._retry_at = now + min(wait, self._most_seconds)
        if self.problem is None:
            fields = {**self._fields, "reason": problem}
            _log.warning("%s fails", self._subject, extra={"fields": fields}, exc_info=error)
        self.problem = problem

    def succeed(self) -> None:
        """Record a success."""
        if self.problem is not None:
            _log.info("%s works again", self._subject, extra={"fields": self._fields})
        self._failures, self._retry_at, self.problem = 0, 0.0, None

"""Asks the running service which runbook applies, so that a watch needs no model of texts."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from features.domain.report import IncidentReport
from models.base.predictions import SuggestedRunbook
from serving.watch.clients.circuit_breaker import CircuitBreaker
from serving.watch.clients.http import HttpClient, RequestFailed, shorten

_PATH = "/v1/runbooks"
_TIMEOUT_SECONDS = 5.0


class _RunbooksAnswer(BaseModel):
    runbooks: list[SuggestedRunbook]


class RunbookAdvice:
    """Suggests the runbook that the service at an address finds most relevant, if it finds any.

    A service that does not answer is left alone for a while.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = HttpClient(url, _TIMEOUT_SECONDS, key=key)
        self._asking = CircuitBreaker("asking for a runbook", {})
        self._monotonic = monotonic

    def __call__(self, report: IncidentReport) -> SuggestedRunbook | None:
        """Return the runbook for a report, or None; raises `RequestFailed` if nobody can tell."""
        if not self._asking.is_ready(self._monotonic()):
            raise RequestFailed(f"no runbook is asked for yet: {self._asking.problem}")
        try:
            found = self._ask(report)
        except RequestFailed as error:
            self._asking.fail(str(error), self._monotonic())
            raise
        self._asking.succeed()
        return found[0] if found else None

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _ask(self, report: IncidentReport) -> list[SuggestedRunbook]:
        incident = {"title": report.title, "service": report.service}
        status, body = self._server.post_json(_PATH, {"incident": incident, "limit": 1})
        if status != 200:
            raise RequestFailed(f"the service answered {status}: {shorten(body)!r}")
        try:
            return _RunbooksAnswer.model_validate_json(body).runbooks
        except ValidationError as error:
            raise RequestFailed(f"the service answered no runbooks: {shorten(body)!r}") from error

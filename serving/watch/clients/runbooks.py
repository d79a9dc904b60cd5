"""Requests runbooks from the running service, so that the watch loads no text model."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from features.domain.report import IncidentReport
from models.base.predictions import SuggestedRunbook
from serving.runtime.credentials import Credentials
from serving.runtime.http_client import HttpClient, RequestFailed, shorten
from serving.watch.clients.circuit_breaker import CircuitBreaker

_PATH = "/v1/runbooks"
_TIMEOUT_SECONDS = 5.0


class _RunbooksAnswer(BaseModel):
    runbooks: list[SuggestedRunbook]


class RunbookAdvice:
    """Suggests the runbook that the service finds most relevant to a report, if any.

    After a failure, no requests are sent for a while.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = HttpClient(url, _TIMEOUT_SECONDS, credentials=Credentials(token=key))
        self._breaker = CircuitBreaker("asking for a runbook", {})
        self._monotonic = monotonic

    def __call__(self, report: IncidentReport) -> SuggestedRunbook | None:
        """Return the runbook for a report, None if none applies; raises `RequestFailed`."""
        if not self._breaker.is_ready(self._monotonic()):
            raise RequestFailed(f"the service is not asked again yet: {self._breaker.problem}")
        try:
            runbooks = self._request(report)
        except RequestFailed as error:
            self._breaker.fail(str(error), self._monotonic())
            raise
        self._breaker.succeed()
        return runbooks[0] if runbooks else None

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _request(self, report: IncidentReport) -> list[SuggestedRunbook]:
        incident = {"title": report.title, "service": report.service}
        status, body = self._server.post_json(_PATH, {"incident": incident, "limit": 1})
        if status != 200:
            raise RequestFailed(f"the service answered {status}: {shorten(body)!r}")
        try:
            return _RunbooksAnswer.model_validate_json(body).runbooks
        except ValidationError as error:
            raise RequestFailed(f"the service answered no runbooks: {shorten(body)!r}") from error

"""What every poller does about what fails."""

import logging

import pytest

from features.errors import StoreUnavailable
from serving.background.poller import Poller


class Scripted(Poller):
    """Meets what it is given, in order."""

    failure = "the script cannot be read"

    def __init__(self, *errors: Exception | None) -> None:
        super().__init__(60, "scripted")
        self._errors = iter(errors)

    def _poll(self) -> None:
        error = next(self._errors)
        if error is not None:
            raise error


def test_a_problem_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    busy = StoreUnavailable("busy")
    poller = Scripted(busy, busy, ValueError("odd"), busy, None, busy)
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            poller.poll()
    assert {record.message for record in caplog.records} == {"the script cannot be read"}
    reasons = [record.__dict__["fields"]["reason"] for record in caplog.records]
    assert reasons == ["busy", "odd", "busy", "busy"]
    assert {(record.name, record.levelname) for record in caplog.records} == {(__name__, "WARNING")}

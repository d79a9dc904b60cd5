"""The errors of the service; `serving.api.problems` maps those of requests to status codes."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.errors import PrecedentError


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field: its path in the request, such as `incident.title`, and what is wrong."""

    path: str
    message: str


class MalformedBody(PrecedentError):
    """The body is not valid JSON, is nested too deeply, or is a form with too many fields."""


class InvalidFields(PrecedentError):
    """Fields of a request are unknown, missing, of the wrong type, over a limit or not accepted."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first_error = f": {errors[0].path or 'the body'}: {errors[0].message}" if errors else ""
        super().__init__(f"the body cannot be accepted{first_error}")
        self.errors = tuple(errors)


class BodyTooLarge(PrecedentError):
    """The body has more bytes, or more points of series, than are accepted."""


class UnsupportedMediaType(PrecedentError):
    """The content type of the body is not accepted."""


class Unauthorised(PrecedentError):
    """The key is missing or wrong."""


class UnknownIncident(PrecedentError):
    """There is no incident with this id."""


class UnknownSurge(PrecedentError):
    """No surge with this id goes on."""


class UnknownRoutine(PrecedentError):
    """There is no routine of a watched series with this id."""


class IndexBehind(PrecedentError):
    """Incidents are still being indexed, so a search would miss some."""


class UnknownPrediction(PrecedentError):
    """There is no prediction with this id about this incident and target."""


class StillRunning(PrecedentError):
    """The first request with this idempotency key has no answer yet."""


class Overloaded(PrecedentError):
    """Too much work is waiting, or this work has waited too long; it was not begun."""


class BodyTooSlow(PrecedentError):
    """The body did not arrive within the time limit."""


class TooManyGuesses(PrecedentError):
    """Many wrong keys were sent from this address, so further ones are not checked for now."""


class ForeignForm(PrecedentError):
    """A page of another site sent a form or a request, or the site of a form is unknown."""


class UnknownHost(PrecedentError):
    """The request names a host under which this service does not answer."""


class BadWatchConfig(PrecedentError):
    """The watch configuration is missing, not YAML, or has unknown or invalid entries."""


class CannotListen(PrecedentError):
    """The address is not this machine's, or another program already listens on it."""

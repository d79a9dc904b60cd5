"""The errors of the service; the API maps each to a status code, which they do not know."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.errors import PrecedentError


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field, by its path in the body, such as `incident.title`."""

    path: str
    message: str


class MalformedBody(PrecedentError):
    """The body is not JSON."""


class InvalidFields(PrecedentError):
    """Fields of the body are unknown, missing, of the wrong type or over a limit."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first_error = f": {errors[0].path or 'the body'}: {errors[0].message}" if errors else ""
        super().__init__(f"the body cannot be accepted{first_error}")
        self.errors = tuple(errors)


class BodyTooLarge(PrecedentError):
    """The body has more bytes than are accepted."""


class UnsupportedMediaType(PrecedentError):
    """The content type of the body is not accepted."""


class Unauthorised(PrecedentError):
    """The key is missing or wrong."""


class UnknownIncident(PrecedentError):
    """There is no incident with this id."""


class IndexBehind(PrecedentError):
    """Incidents are still being indexed, so a search would miss some."""


class UnknownPrediction(PrecedentError):
    """There is no prediction with this id about this incident and target."""


class ForeignForm(PrecedentError):
    """A form was sent from another site, or its browser does not name the site."""


class BadWatchConfig(PrecedentError):
    """The watch configuration is missing, not YAML, or has unknown or invalid entries."""


class CannotListen(PrecedentError):
    """The address is not this machine's, or another program already listens on it."""

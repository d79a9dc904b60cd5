"""What a caller of the service can get wrong; none of these knows a status code."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.errors import PrecedentError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused, by its path in the body, such as `incident.title`."""

    path: str
    message: str


class MalformedBody(PrecedentError):
    """The body is not JSON."""


class InvalidFields(PrecedentError):
    """Fields of the body are unknown, missing, of a wrong type or over a limit."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = f": {errors[0].path or 'the body'}: {errors[0].message}" if errors else ""
        super().__init__(f"the body cannot be accepted{first}")
        self.errors = tuple(errors)


class BodyTooLarge(PrecedentError):
    """The body has more bytes than are accepted."""


class UnsupportedMediaType(PrecedentError):
    """The body is not declared as JSON."""


class Unauthorised(PrecedentError):
    """The key is missing or wrong."""


class UnknownIncident(PrecedentError):
    """There is no incident of that id."""


class IndexBehind(PrecedentError):
    """Past incidents are still being indexed, so that a search would miss some."""


class UnknownPrediction(PrecedentError):
    """There is no prediction of that id about that incident and target."""


class ForeignForm(PrecedentError):
    """A form was sent from another site, or by a browser that does not say from which."""


class BadWatchConfig(PrecedentError):
    """The file that says what to watch is missing, no YAML, or holds what is not understood."""

"""The streams that an incident belongs to: its service, its category and the words of its title."""

from dataclasses import dataclass
from enum import StrEnum

from features.domain.opening import Opening
from features.text.tokens import terms_of

_TITLE_LENGTH = 200
_MOST_TERMS = 12


class StreamKind(StrEnum):
    """What the incidents of a stream have in common; in order of preference for naming a surge."""

    SERVICE = "service"
    CATEGORY = "category"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Stream:
    """The incidents with one service, one category or one term in their titles."""

    kind: StreamKind
    value: str


def streams_of(opening: Opening) -> tuple[Stream, ...]:
    """Return the streams of an incident, each once; at most 12 terms of its title count.

    >>> from datetime import UTC, datetime
    >>> opening = Opening("1", datetime(2026, 3, 2, tzinfo=UTC), "VPN tunnels", "vpn")
    >>> [(stream.kind.value, stream.value) for stream in streams_of(opening)]
    [('service', 'vpn'), ('text', 'vpn'), ('text', 'tunnel')]
    """
    streams = []
    if opening.service:
        streams.append(Stream(StreamKind.SERVICE, opening.service))
    if opening.category:
        streams.append(Stream(StreamKind.CATEGORY, opening.category))
    terms = dict.fromkeys(terms_of(opening.title[:_TITLE_LENGTH]))
    streams += [Stream(StreamKind.TEXT, term) for term in list(terms)[:_MOST_TERMS]]
    return tuple(streams)

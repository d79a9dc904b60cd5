"""Marks in a text the words that spoke for or against an answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_PREVIEW_CHARACTERS = 1_500
_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text; `weight` is None where nothing was marked.

    `level` is 1 to 3: how strong the weight is beside the strongest of the text.
    """

    text: str
    weight: float | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text in segments: all of it, and its beginning where it is too long to show at once."""

    segments: tuple[Segment, ...]
    preview: tuple[Segment, ...] | None
    characters: int


def excerpt(text: str, weights: Mapping[str, float], limit: int = _PREVIEW_CHARACTERS) -> Excerpt:
    """Return a text with the words marked that have a weight.

    >>> excerpt("VPN down", {"vpn": 1.2}).segments[0]
    Segment(text='VPN', weight=1.2, level=3)
    """
    preview = segments_of(text[:limit], weights) if len(text) > limit else None
    return Excerpt(segments_of(text, weights), preview, len(text))


def segments_of(text: str, weights: Mapping[str, float]) -> tuple[Segment, ...]:
    """Return a text cut at the words that have a weight; matching ignores case."""
    known = {word.casefold(): weight for word, weight in weights.items() if word}
    return tuple(_cut(text, known)) if known else (Segment(text),)


def _cut(text: str, known: Mapping[str, float]) -> Iterator[Segment]:
    strongest = max(abs(weight) for weight in known.values()) or 1.0
    end = 0
    for found in _pattern(list(known)).finditer(text):
        weight = known.get(found.group().casefold())
        if weight is None:
            continue
        if found.start() > end:
            yield Segment(text[end : found.start()])
        level = max(1, round(_LEVELS * abs(weight) / strongest))
        yield Segment(found.group(), weight, level)
        end = found.end()
    if end < len(text):
        yield Segment(text[end:])


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

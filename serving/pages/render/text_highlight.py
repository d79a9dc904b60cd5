"""Marks the words of a text that count for or against an answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_PREVIEW_CHARACTERS = 1_500
_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text; `weight` is None if the piece is not marked.

    `level` is 1 to 3: the size of the weight relative to the largest of all weights. It is 0 for
    text without a weight.
    """

    text: str
    weight: float | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text in segments; `preview` is its beginning, None if the text is short enough."""

    segments: tuple[Segment, ...]
    preview: tuple[Segment, ...] | None
    characters: int


def excerpt(text: str, weights: Mapping[str, float], limit: int = _PREVIEW_CHARACTERS) -> Excerpt:
    """Return a text in which the words that have a weight are marked.

    >>> excerpt("VPN down", {"vpn": 1.2}).segments[0]
    Segment(text='VPN', weight=1.2, level=3)
    """
    preview = segments_of(text[:limit], weights) if len(text) > limit else None
    return Excerpt(segments_of(text, weights), preview, len(text))


def segments_of(text: str, weights: Mapping[str, float]) -> tuple[Segment, ...]:
    """Return a text cut at the words that have a weight; matching ignores case."""
    by_word = {word.casefold(): weight for word, weight in weights.items() if word}
    return tuple(_cut(text, by_word)) if by_word else (Segment(text),)


def _cut(text: str, by_word: Mapping[str, float]) -> Iterator[Segment]:
    strongest = max(abs(weight) for weight in by_word.values()) or 1.0
    end = 0
    for match in _pattern(list(by_word)).finditer(text):
        weight = by_word.get(match.group().casefold())
        if weight is None:
            continue
        if match.start() > end:
            yield Segment(text[end : match.start()])
        level = max(1, round(_LEVELS * abs(weight) / strongest))
        yield Segment(match.group(), weight, level)
        end = match.end()
    if end < len(text):
        yield Segment(text[end:])


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

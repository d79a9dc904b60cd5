"""What the sender of a report stated about its severity, and its place among the history's levels.

A level is matched by its spelling, by its words, by its number, or on a scale that common products
share.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.text.tokens import plain_name

_SEVERITY_NAME = re.compile(
    r"(?:u|alert|event|incident|ticket|issue|case)?"
    r"(?:severity|sev|priority|prio|criticality)(?:level|code|name)?"
)
# Least severe first; the words of an inner tuple are equally severe.
_SCALE: tuple[tuple[str, ...], ...] = (
    ("debug", "trace", "none", "planning", "enhancement"),
    ("info", "informational", "information", "ok", "trivial", "lowest", "very low"),
    ("low", "minor", "notice"),
    ("warning", "warn", "mid", "medium", "moderate", "normal", "average"),
    ("high", "major", "error", "significant", "urgent"),
    ("critical", "crit", "very high", "highest", "severe", "extensive"),
    ("page", "fatal", "emergency", "disaster", "blocker"),
)
_PLACE = {word: place for place, words in enumerate(_SCALE) for word in words}
_FEWEST_PLACED = 2
_PRIORITY_ONE = _PLACE["critical"]
_NO_LETTERS = re.compile(r"[^a-z]+")
_PRIORITY = re.compile(r"(?:p|s|sev|severity|prio|priority)?[\s_-]*(\d)(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatedSeverity:
    """What the sender stated: the history's level, or else the sender's own word.

    `rank` is the place among the history's levels, None if the word cannot be placed.
    """

    text: str
    rank: int | None


def states_severity(name: str) -> bool:
    """Return whether an attribute of this name says how severe its sender takes an incident to be.

    >>> [states_severity(name) for name in ("u_priority", "Severity", "priority_group")]
    [True, True, False]
    """
    return _SEVERITY_NAME.fullmatch(plain_name(name)) is not None


def stated_severity(
    attributes: Mapping[str, str], levels: Sequence[str], target: str = "severity"
) -> StatedSeverity | None:
    """Return what a report's attributes state about an ordered target; None if they do not.

    `levels` are the history's levels, least severe first. If several attributes state a level, the
    most severe counts. For a target other than `severity`, such as `fields.impact`, the attribute
    of that name is read.

    >>> levels = ("4 - Low", "3 - Moderate", "2 - High", "1 - Critical")
    >>> stated_severity({"severity": "critical"}, levels)
    StatedSeverity(text='1 - Critical', rank=3)
    >>> stated_severity({"severity": "warning"}, levels)
    StatedSeverity(text='warning', rank=1)
    >>> stated_severity({"severity": "purple"}, levels)
    StatedSeverity(text='purple', rank=None)
    """
    field = plain_name(target.rpartition(".")[2])
    stated = [
        _place(value.strip(), levels)
        for name, value in attributes.items()
        if value.strip() and _is_about(name, field)
    ]
    return max(stated, key=_severest, default=None)


def states_top_severity(attributes: Mapping[str, str]) -> bool:
    """Return whether attributes state a severity that common scales call critical, or worse.

    >>> states_top_severity({"severity": "P1"}), states_top_severity({"priority": "high"})
    (True, False)
    """
    return any(
        states_severity(name) and (_scale_place(value) or 0) >= _PRIORITY_ONE
        for name, value in attributes.items()
    )


def _is_about(name: str, field: str) -> bool:
    return states_severity(name) if field == "severity" else plain_name(name) == field


def _severest(stated: StatedSeverity) -> int:
    return -1 if stated.rank is None else stated.rank


def _place(value: str, levels: Sequence[str]) -> StatedSeverity:
    # "2 - Medium" is a word with a number: where the levels are "1 - High" and "2 - Low", the word
    # decides.
    spellings = (str.casefold, _words) if _words(value) else (str.casefold, _number)
    for spelling in spellings:
        spelled = spelling(value)
        ranks = [rank for rank, level in enumerate(levels) if spelling(level) == spelled]
        if spelled and len(ranks) == 1:
            return StatedSeverity(levels[ranks[0]], ranks[0])
    return StatedSeverity(value, _rank_on_scale(value, levels))


def _rank_on_scale(value: str, levels: Sequence[str]) -> int | None:
    """Return the highest level that is no more severe than the value, or else the lowest level.

    Levels that the scale does not have are left out; at least two others are needed, in order.
    """
    stated = _scale_place(value)
    all_places = enumerate(map(_scale_place, levels))
    places = {rank: place for rank, place in all_places if place is not None}
    is_ordered = list(places.values()) == sorted(places.values())
    if stated is None or len(places) < _FEWEST_PLACED or not is_ordered:
        return None
    return max((rank for rank, place in places.items() if place <= stated), default=0)


def _scale_place(level: str) -> int | None:
    place = _PLACE.get(_words(level))
    if place is not None:
        return place
    number = _number(level)
    return max(_PRIORITY_ONE + 1 - int(number), 0) if number else None


def _words(text: str) -> str:
    words = _NO_LETTERS.sub(" ", text.casefold()).strip()
    return "" if words in {"p", "s", "sev", "severity", "prio", "priority"} else words


def _number(text: str) -> str:
    match = _PRIORITY.match(text.strip())
    return "" if match is None else match[1]

"""What a model of each kind is for and not for, as its card says it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a model may be used for, and what it must not be used for."""

    use: str
    misuse: tuple[str, ...]


_LABEL_MISUSE = (
    "Acting without a person on any answer but `auto`: the others are suggestions.",
    "Labels that its history lacks: what is new is answered with what is known.",
    "Incidents of another organisation, or written in a language that its history hardly has.",
    "Judging the people who write or solve incidents.",
)
_LIST_MISUSE = (
    "Closing an incident because another one was: relatedness is a probability.",
    "Incidents of another organisation.",
)
_PURPOSES: Mapping[str, Purpose] = {
    "choice": Purpose(
        "Names the likeliest label of an incident from what is known when it opens, with the "
        "probability that it is right.",
        _LABEL_MISUSE,
    ),
    "severity": Purpose(
        "Names the level of an incident that costs least to be wrong about, from what is known "
        "when it opens. A level that is too low may be made to cost more than one too high.",
        (*_LABEL_MISUSE, "Priorities that follow from impact and urgency by a fixed table."),
    ),
    "similar": Purpose(
        "Finds the past incidents that are probably about the same trouble, and what fixed them.",
        _LIST_MISUSE,
    ),
    "runbook": Purpose(
        "Finds the runbooks that probably apply to an incident.",
        ("Running a command unread: whether it fits is for a person to see.", _LIST_MISUSE[1]),
    ),
    "anomaly": Purpose(
        "Finds where a metric series leaves what its own past lets expect.",
        ("Telling a cause: it sees that a series moved, not why.",),
    ),
}
_UNKNOWN = Purpose("Answers questions about incidents.", _LABEL_MISUSE[:1])


def purpose_of(kind: str) -> Purpose:
    """Return what a kind of model is for.

    >>> purpose_of("choice").use.split()[:3]
    ['Names', 'the', 'likeliest']
    """
    return _PURPOSES.get(kind, _UNKNOWN)

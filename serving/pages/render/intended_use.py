"""The intended use and the misuse of each kind of model, as shown on model cards."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.pages.render.wording import wording


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a model may be used for, and what it must not be used for."""

    use: str
    misuse: tuple[str, ...]


_PROVEN = wording("auto", "decision").name
_LABEL_MISUSE = (
    f"Acting without a person on an answer that is not marked “{_PROVEN}”.",
    "Recognising new kinds of incidents: it always answers with a label from its history.",
    "Incidents of another organisation, or in a language that its history hardly contains.",
    "Judging the people who report or solve incidents.",
)
_LIST_MISUSE = (
    "Closing an incident because a related one was closed: relatedness is only a probability.",
    "Incidents of another organisation.",
)
_MISUSE: Mapping[str, tuple[str, ...]] = {
    "severity": (
        *_LABEL_MISUSE,
        "Priorities that a fixed priority matrix sets from impact and urgency.",
    ),
    "similar": _LIST_MISUSE,
    "runbook": (
        "Running a command without reading it: a person decides whether it fits.",
        _LIST_MISUSE[1],
    ),
    "anomaly": ("Finding a cause: the model sees that a series changed, not why.",),
}
_UNKNOWN_USE = "Answers questions about incidents."


def purpose_of(kind: str) -> Purpose:
    """Return the intended use and the misuse of a kind of model.

    >>> purpose_of("choice").use.split()[:3]
    ['Names', 'the', 'likeliest']
    """
    return Purpose(wording(kind, "kind").meaning or _UNKNOWN_USE, _MISUSE.get(kind, _LABEL_MISUSE))

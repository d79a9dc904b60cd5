"""Says in words how long an incident will take, and what may go wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from serving.pages.render.time_filters import hours

_SURE, _RARE = 0.95, 0.02


def resolution_words(answer: Mapping[str, Any]) -> str:
    """Return a stored answer of `resolution` as half a sentence, empty if nothing is known.

    >>> resolution_words({"median_hours": 3.1, "lower_hours": 0.4, "upper_hours": 50.0,
    ...                   "breach_probability": 0.21, "target_hours": 8.0})
    'half are fixed within 3.1 h, 8 in 10 take 24 min to 2 days; 1 in 5 misses the 8 h target'
    """
    return "; ".join(_parts(answer))


def odds(probability: float) -> str:
    """Return a probability as a share of cases.

    >>> [odds(value) for value in (0.004, 0.21, 0.62, 0.99)]
    ['hardly any', '1 in 5', '6 in 10', 'nearly every one']
    """
    if probability < _RARE:
        return "hardly any"
    if probability > _SURE:
        return "nearly every one"
    if probability <= 0.5:
        return f"1 in {round(1 / probability)}"
    return f"{round(probability * 10)} in 10"


def _parts(answer: Mapping[str, Any]) -> Iterator[str]:
    median, lower, upper = (answer.get(f"{name}_hours") for name in ("median", "lower", "upper"))
    if median is not None:
        yield f"half are fixed within {hours(median)}{_range(lower, upper)}"
    breach, target = answer.get("breach_probability"), answer.get("target_hours")
    if breach is not None:
        name = "its target time" if target is None else f"the {hours(target)} target"
        yield f"{odds(breach)} {_verb(breach, 'misses', 'miss')} {name}"
    reassignment = answer.get("reassignment_probability")
    if reassignment is not None:
        yield f"{odds(reassignment)} {_verb(reassignment, 'goes', 'go')} to another team or person"


def _range(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return ""
    return f", 8 in 10 take {hours(lower)} to {hours(upper)}"


def _verb(probability: float, singular: str, plural: str) -> str:
    is_plural = 0.5 < probability <= _SURE
    return plural if is_plural else singular

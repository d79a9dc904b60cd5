"""Decides, by answers from past origins, how much doubt a drift leaves in the confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.formatting import counted
from models.classification.drift_doubt import DriftDoubt
from training.evaluation.metrics import HeldOutPredictions, take_rows

MOST_EXCESS = 0.10
"""The largest excess of confidence over accuracy that levels may have after widening."""

_FEWEST_IN_PART, _MOST_PARTS = 50, 4
# With all of the probability in doubt, the classes would have no order.
_MOST_DOUBT = 0.95


@dataclass(frozen=True, slots=True)
class OriginCheck:
    """Answers to later incidents by a model of what was known at an origin, a moment in the past.

    `confidence` and `accuracy` are means over the `answers`; `classes` is the number of classes.
    """

    origin: datetime
    answers: int
    confidence: float
    accuracy: float
    classes: int

    def excess(self, doubt: float = 0.0) -> float:
        """Return confidence minus accuracy, after widening by a share of doubt."""
        return (1 - doubt) * self.confidence + doubt / self.classes - self.accuracy


def check_parts(
    predictions: HeldOutPredictions, opened_at: Sequence[datetime]
) -> tuple[OriginCheck, ...]:
    """Return a check for each of at most four equal parts of held-out incidents, by opening.

    Each part has at least 50 incidents; with fewer than 50 there is none. The predictions must be
    of models that learned only from what was known shortly before each incident.
    """
    order = np.array(sorted(range(len(opened_at)), key=lambda row: opened_at[row]), dtype=np.int64)
    parts = min(len(order) // _FEWEST_IN_PART, _MOST_PARTS)
    return tuple(
        _check_part(take_rows(predictions, rows), opened_at[int(rows[0])])
        for rows in (np.array_split(order, parts) if parts else ())
    )


def _check_part(predictions: HeldOutPredictions, origin: datetime) -> OriginCheck:
    accuracy = float((predictions.predicted == predictions.labels).mean())
    confidence = float(predictions.confidence.mean())
    return OriginCheck(origin, len(predictions.labels), confidence, accuracy, predictions.classes)


def judge_confidence(checks: Sequence[OriginCheck], *, ordered: bool) -> DriftDoubt:
    """Return the doubt with which confidence equals accuracy on average over the origins.

    For `ordered` levels the doubt must also hold where it was not learned: at each origin, the
    doubt of the other origins must leave an excess of at most .10. Otherwise, or without any
    origin, every answer abstains: a severity that is too low and sure does more harm than none.

    >>> check = OriginCheck(datetime.fromisoformat("2026-03-01"), 90, 0.9, 0.8, 2)
    >>> round(judge_confidence([check], ordered=False).doubt, 2)
    0.25
    """
    doubt = _doubt_of(checks)
    found = "; ".join(
        f"{check.excess():+.2f} on {counted(check.answers, 'incident')} after "
        f"{check.origin:%Y-%m-%d}"
        for check in checks
    )
    finding = (
        f"confidence minus accuracy, answered by what was known before, was {found}"
        if checks
        else ""
    )
    if ordered and not _holds_elsewhere(checks):
        cause = finding or "no past origin has enough incidents to check the confidence"
        return DriftDoubt(doubt, True, f"{cause}: no confidence is supported, all answers abstain")
    if not doubt:
        return DriftDoubt(statement=finding)
    return DriftDoubt(doubt, False, f"{finding}: {doubt:.0%} of it is spread over all labels")


def _doubt_of(checks: Sequence[OriginCheck]) -> float:
    """Return the share of doubt with which the mean excess is 0; 0 if it is not above 0."""
    excess = sum(check.excess() for check in checks)
    room = sum(check.confidence - 1 / check.classes for check in checks)
    return min(excess / room, _MOST_DOUBT) if excess > 0 and room > 0 else 0.0


def _holds_elsewhere(checks: Sequence[OriginCheck]) -> bool:
    others = [[*checks[:place], *checks[place + 1 :]] for place in range(len(checks))]
    excesses = [check.excess(_doubt_of(rest)) for check, rest in zip(checks, others, strict=True)]
    return bool(excesses) and max(excesses) <= MOST_EXCESS

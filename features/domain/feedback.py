"""People's feedback on answers: accepted, corrected or dismissed, by whom and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FeedbackAction(StrEnum):
    """What somebody did with an answer: accepted it, named the correct label, or dismissed it."""

    ACCEPT = "accept"
    CORRECT = "correct"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """One person's feedback on an answer, or on one entry of it.

    `target` is a model's target, or `open_match`. `subject` is the id of the similar incident, open
    match or runbook that the feedback is about, None for the whole answer. `label` is the correct
    label of a correction, else None. `given_at` is aware UTC, `source` is `api` or `page`. `helped`
    says whether a runbook helped, None if nobody said.
    """

    prediction_id: str
    incident_id: str
    target: str
    action: FeedbackAction
    label: str | None
    subject: str | None
    given_by: str
    given_at: datetime
    source: str
    helped: bool | None = None

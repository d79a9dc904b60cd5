"""What people say of answers: accepted, corrected or dismissed, by whom and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FeedbackAction(StrEnum):
    """What somebody did with an answer: took it, named the right one, or sent it away."""

    ACCEPT = "accept"
    CORRECT = "correct"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What one person said of an answer, or of one entry of it.

    `target` is that of a model, or `open_match`. `subject` is the id of the similar incident, open
    match or runbook that it is about, None for the answer as a whole. `label` is the right label
    of a correction, else None. `given_at` is aware UTC, `source` is `api` or `page`, and `helped`
    tells of a runbook whether it did, None where nobody said.
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

"""What models answered: whole, without evidence, for the audit sample, and beside a challenger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """What one model answered about one incident.

    `answer` is the prediction as the caller got it, of types that JSON knows. `confidence` is the
    calibrated probability in 0..1, `mode` what the owner allowed then, `answered_at` is aware UTC.
    `audit_share` is the probability with which the answer was drawn into the audit sample, None if
    it was not drawn, and `seconds` how long it took.
    """

    prediction_id: str
    request_id: str
    incident_id: str
    target: str
    model_version: str
    label: str
    confidence: float
    decision: str
    mode: str
    answer: Mapping[str, Any]
    answered_at: datetime
    audit_share: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """One answer about an incident; `version` is the model's, the rest as in `PredictionRecord`."""

    prediction_id: str
    incident_id: str
    target: str
    version: str
    label: str
    confidence: float
    decision: str
    mode: str
    audit_share: float | None
    seconds: float | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class AuditedAnswer:
    """An answer that was drawn into the audit sample with probability `share`, and hidden.

    `truth` is what a person decided, as far as we learned of it after the answer, and
    `labelled_at` when that was decided; None until then.
    """

    prediction_id: str
    incident_id: str
    target: str
    version: str
    label: str
    confidence: float
    share: float
    answered_at: datetime
    truth: str | None
    labelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShadowRecord:
    """A challenger's silent answer; `prediction_id` is that of the champion's."""

    prediction_id: str
    incident_id: str
    target: str
    version: str
    label: str
    confidence: float
    decision: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class ShadowPair:
    """Both answers about one incident; `truth` is its strongest label but an echo, None without."""

    incident_id: str
    answered_at: datetime
    label: str
    confidence: float
    decision: str
    champion_version: str
    champion_label: str
    champion_confidence: float
    champion_decision: str
    truth: str | None

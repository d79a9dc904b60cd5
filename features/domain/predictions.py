"""The answers of models: full records, summaries, audited answers, and a challenger's answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """One model's answer about one incident.

    `answer` is the prediction as the caller received it, made of JSON values. `confidence` is the
    calibrated probability in 0..1, `mode` is what the owner allowed at that time, `answered_at` is
    aware UTC. `audit_share` is the probability with which the answer was drawn into the audit
    sample, None if it was not drawn or was revealed. `audit_group` is the key of the report's
    near-copies if it was drawn. `seconds` is how long the answer took.
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
    audit_group: str | None = None


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """One answer about an incident; the fields are those of `PredictionRecord`."""

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
    """An answer that was drawn into the audit sample with probability `share`, and not shown.

    `truth` is the label that a person gave and that we learned of after the answer; `labelled_at`
    is when the person gave it. Both are None until we learn of it. `group` is the key of the
    report's near-copies, which are drawn together.
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
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ActCounts:
    """How many incidents were answered, how many were acted on, and how many acts that were.

    An act is an answer about one target of one incident whose decision and mode are both `auto`.
    """

    incidents: int
    acted_on: int
    acts: int


@dataclass(frozen=True, slots=True)
class ShadowRecord:
    """A challenger's answer, shown to nobody; `prediction_id` is that of the champion's answer."""

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
    """A challenger's and the champion's answer about one incident.

    `truth` is the incident's strongest label; it is None if the incident has no label, or if
    that label only repeats our own `auto` answer.
    """

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

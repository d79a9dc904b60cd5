"""Labels from what people say of answers, and from the final states of incidents."""

from collections.abc import Callable, Sequence
from datetime import datetime

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.label_sources import labels_from_outcome, labels_of
from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from features.domain.report import Outcome
from features.store.store import Store
from serving.background.certificates import CertificatePoller
from serving.runtime.metrics import ServingMetrics

OPEN_MATCH = "open_match"
"""The target of what is said about the open incident that an answer of `similar` names."""

OnLabels = Callable[[Sequence[LabelRecord]], None]
"""Told of labels when they are stored."""


class LabelListener:
    """Counts new labels, and lets those of audited answers judge certificates."""

    def __init__(self, metrics: ServingMetrics, certificates: CertificatePoller) -> None:
        self._metrics = metrics
        self._certificates = certificates

    def __call__(self, labels: Sequence[LabelRecord]) -> None:
        """Take note of labels that were stored."""
        self._metrics.count_labels(labels)
        self._certificates.on_labels(labels)


def ignore_labels(_labels: Sequence[LabelRecord]) -> None:
    """Do nothing about new labels."""


def labels_of_final_state(
    store: Store, incident_id: str, outcome: Outcome, now: datetime
) -> tuple[LabelRecord, ...]:
    """Return the labels that an outcome brings beyond the stored one."""
    if not labels_of(outcome):
        return ()
    stored = store.incidents.get(incident_id)
    return labels_from_outcome(
        incident_id,
        outcome,
        known=Outcome() if stored is None else stored.outcome,
        answers=store.predictions.about(incident_id),
        now=now,
    )


def labels_of_feedback(said: FeedbackRecord, answer: PredictionRecord) -> tuple[LabelRecord, ...]:
    """Return the label that feedback makes, none where it only tells what is wrong."""
    given = _label_and_source(said, answer)
    if given is None or not given[0]:
        return ()
    label, source = given
    target = "similar" if said.target == OPEN_MATCH else said.target
    return (
        LabelRecord(
            incident_id=said.incident_id,
            target=target,
            label=label,
            source=source,
            given_by=said.given_by,
            given_at=said.given_at,
            prediction_id=said.prediction_id,
        ),
    )


def _label_and_source(
    said: FeedbackRecord, answer: PredictionRecord
) -> tuple[str, LabelSource] | None:
    entry = said.subject or answer.label
    if said.action is FeedbackAction.DISMISS or said.helped is False:
        return None
    if said.action is FeedbackAction.CORRECT:
        hidden = answer.audit_share is not None
        return said.label or "", LabelSource.AUDITED if hidden else LabelSource.CORRECTED
    if said.target == "runbooks" and said.helped:
        return entry, LabelSource.CORRECTED
    return entry, LabelSource.ACCEPTED

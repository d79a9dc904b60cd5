"""Makes labels from feedback on answers, and passes new labels on."""

from collections.abc import Callable, Sequence

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.labels import LabelRecord, LabelSource
from features.domain.predictions import PredictionRecord
from serving.background.certificates import CertificatePoller
from serving.runtime.metrics import ServingMetrics

OPEN_MATCH = "open_match"
"""The target of feedback on the open incident that an answer of `similar` names."""

OnLabels = Callable[[Sequence[LabelRecord]], None]
"""Called with labels after they were stored."""


class LabelListener:
    """Counts new labels, and has certificates checked against the labels of audited answers."""

    def __init__(self, metrics: ServingMetrics, certificates: CertificatePoller) -> None:
        self._metrics = metrics
        self._certificates = certificates

    def __call__(self, labels: Sequence[LabelRecord]) -> None:
        """Count stored labels and check certificates against them."""
        self._metrics.count_labels(labels)
        self._certificates.on_labels(labels)


def ignore_labels(_labels: Sequence[LabelRecord]) -> None:
    """Do nothing with new labels."""


def labels_of_feedback(
    feedback: FeedbackRecord, answer: PredictionRecord
) -> tuple[LabelRecord, ...]:
    """Return the label that follows from feedback, in a tuple.

    The tuple is empty if the answer was dismissed, if `helped` is False, or if there is no label.
    """
    label_and_source = _label_and_source(feedback, answer)
    if label_and_source is None or not label_and_source[0]:
        return ()
    label, source = label_and_source
    target = "similar" if feedback.target == OPEN_MATCH else feedback.target
    return (
        LabelRecord(
            incident_id=feedback.incident_id,
            target=target,
            label=label,
            source=source,
            given_by=feedback.given_by,
            given_at=feedback.given_at,
            prediction_id=feedback.prediction_id,
        ),
    )


def _label_and_source(
    feedback: FeedbackRecord, answer: PredictionRecord
) -> tuple[str, LabelSource] | None:
    entry = feedback.subject or answer.label
    if feedback.action is FeedbackAction.DISMISS or feedback.helped is False:
        return None
    if feedback.action is FeedbackAction.CORRECT:
        is_audited = answer.audit_share is not None
        return feedback.label or "", LabelSource.AUDITED if is_audited else LabelSource.CORRECTED
    if feedback.target == "runbooks" and feedback.helped:
        return entry, LabelSource.CORRECTED
    return entry, LabelSource.ACCEPTED

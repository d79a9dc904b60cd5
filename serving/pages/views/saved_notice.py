"""The notice of a saved label, which is looked up in the store by the ids in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from features.domain.feedback import FeedbackAction, FeedbackRecord
from serving.container import Container


@dataclass(frozen=True, slots=True)
class SavedLabel:
    """A label that a person named; `is_new` says whether it occurs nowhere else.

    `closest` is the champion's label whose spelling is most similar. It is None if no spelling is
    similar or if the named label is not new.
    """

    incident_id: str
    target: str
    label: str
    is_new: bool
    closest: str | None


def with_saved_params(path: str, feedback: FeedbackRecord) -> str:
    """Return a path with the ids of a saved label; unchanged if the feedback names no label."""
    if feedback.action is not FeedbackAction.CORRECT:
        return path
    params = {
        "saved": feedback.prediction_id,
        "in": feedback.incident_id,
        "about": feedback.target,
    }
    return f"{path}{'&' if '?' in path else '?'}{urlencode(params)}"


def find_saved_label(services: Container, query: Mapping[str, str]) -> SavedLabel | None:
    """Return the saved label that an address names, None without one; raises `StoreUnavailable`."""
    prediction_id, incident_id, target = (query.get(name) for name in ("saved", "in", "about"))
    if not (prediction_id and incident_id and target):
        return None
    records = services.store.feedback.select(target=target, incident_id=incident_id)
    corrections = [
        record for record in records if record.prediction_id == prediction_id and record.label
    ]
    if not corrections:
        return None
    last = corrections[-1]
    is_new = services.label_vocabulary.is_new(last)
    label = last.label or ""
    closest = services.label_vocabulary.closest(target, label) if is_new else None
    return SavedLabel(incident_id, target, label, is_new, closest)

"""What was just saved, said again from the store: an address of the page names it, no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from features.domain.feedback import FeedbackAction, FeedbackRecord
from serving.container import Container


@dataclass(frozen=True, slots=True)
class SavedLabel:
    """A label that somebody named; `closest` is what a new one may have been meant to be."""

    incident_id: str
    target: str
    label: str
    is_new: bool
    closest: str | None


def with_saved_params(path: str, said: FeedbackRecord) -> str:
    """Return a path of the page that says what was saved, if that is a label."""
    if said.action is not FeedbackAction.CORRECT:
        return path
    facts = {"saved": said.prediction_id, "in": said.incident_id, "about": said.target}
    return f"{path}{'&' if '?' in path else '?'}{urlencode(facts)}"


def find_saved_label(services: Container, query: Mapping[str, str]) -> SavedLabel | None:
    """Return the label that an address says was saved; raises `StoreUnavailable`."""
    saved, incident_id, target = (query.get(name) for name in ("saved", "in", "about"))
    if not (saved and incident_id and target):
        return None
    found = services.store.feedback.select(target=target, incident_id=incident_id)
    corrections = [one for one in found if one.prediction_id == saved and one.label]
    if not corrections:
        return None
    last = corrections[-1]
    is_new = services.label_vocabulary.is_new(last)
    label = last.label or ""
    closest = services.label_vocabulary.closest(target, label) if is_new else None
    return SavedLabel(incident_id, target, label, is_new, closest)

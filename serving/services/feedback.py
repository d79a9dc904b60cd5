"""Keeps what people say of answers, by the API or on the page. Knows no HTTP."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Literal

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.predictions import PredictionRecord
from features.store.store import Store
from features.text.parsing import parse_label, parse_name
from serving.runtime.errors import FieldError, InvalidFields, UnknownPrediction
from serving.services.feedback_labels import (
    OPEN_MATCH,
    OnLabels,
    ignore_labels,
    labels_of_feedback,
)

_LISTS = frozenset({"similar", "runbooks"})
_MAX_NAME = 200
_MAX_LABEL = 1_000


class FeedbackService:
    """Checks and stores feedback; saying the same twice is saying it once.

    `now` returns the present time, aware UTC. `on_labels` is told of the label that what is said
    makes, once it is stored.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        on_labels: OnLabels = ignore_labels,
    ) -> None:
        self._store = store
        self._now = now
        self._on_labels = on_labels

    def give(
        self,
        *,
        prediction_id: str,
        target: str,
        action: FeedbackAction | str,
        given_by: str | None,
        source: Literal["api", "page"],
        incident_id: str | None = None,
        label: str | None = None,
        subject: str | None = None,
        helped: bool | None = None,
    ) -> FeedbackRecord:
        """Store what somebody says of an answer and return it as stored.

        `subject` names one entry of a list; that of an open match may be left out. `label` counts
        for a correction only, and nobody's name is the source's. An answer of the audit sample was
        not shown, and can only be corrected. Raises `UnknownPrediction`, `InvalidFields` and
        `StoreUnavailable`.
        """
        answer = self._answer(prediction_id, incident_id, target)
        if answer.audit_share is not None and _action(action) is not FeedbackAction.CORRECT:
            raise _refused("action", "was not shown: name the right label with correct")
        record = FeedbackRecord(
            prediction_id=prediction_id,
            incident_id=answer.incident_id,
            target=target,
            action=_action(action),
            label=self._right_label(target, label) if action == FeedbackAction.CORRECT else None,
            subject=_subject(answer, target, subject),
            given_by=_name(given_by) or source,
            given_at=self._now(),
            source=source,
            helped=helped,
        )
        labels = labels_of_feedback(record, answer)
        self._store.feedback.record(record, labels)
        if labels:
            self._on_labels(labels)
        return record

    def _right_label(self, target: str, given: str | None) -> str:
        label = _label(given)
        if target == "runbooks" and all(label != one.id for one in self._store.runbooks.all()):
            raise _refused("label", "name a stored runbook by its id")
        return label

    def _answer(self, prediction_id: str, incident_id: str | None, target: str) -> PredictionRecord:
        answered_by = "similar" if target == OPEN_MATCH else target
        for record in self._store.predictions.get(prediction_id):
            is_about = incident_id is None or record.incident_id == incident_id
            if is_about and record.target == answered_by:
                return record
        about = "" if incident_id is None else f" about incident {incident_id!r}"
        raise UnknownPrediction(f"prediction {prediction_id!r} has no answer of {target!r}{about}")


def _action(given: str) -> FeedbackAction:
    try:
        return FeedbackAction(given)
    except ValueError:
        raise _refused("action", f"give one of {', '.join(FeedbackAction)}") from None


def _label(given: str | None) -> str:
    label = parse_label(given)
    if label is None:
        raise _refused("label", "name the right label")
    if len(label) > _MAX_LABEL:
        raise _refused("label", f"at most {_MAX_LABEL} characters are accepted")
    return label


def _subject(answer: PredictionRecord, target: str, given: str | None) -> str | None:
    # By name: ids of runbooks are paths, which may hold spaces that a name from outside lacks.
    known = {parse_name(id_): id_ for id_ in _entries(answer, target)}
    subject = parse_name(given or "") or None
    if target == OPEN_MATCH and subject is None and known:
        return next(iter(known.values()))
    if target == OPEN_MATCH or (subject is not None and target in _LISTS):
        if subject not in known:
            raise _refused("subject", "name an entry of the answer by its id")
        return known[subject]
    if subject is not None:
        raise _refused("subject", f"an answer of {target!r} has no entries to name")
    return None


def _entries(answer: PredictionRecord, target: str) -> Collection[str]:
    if target == OPEN_MATCH:
        match = answer.answer.get(OPEN_MATCH)
        return [match["id"]] if match else []
    listed = answer.answer[target] if target in _LISTS else ()
    return [name for entry in listed for name in (entry["id"], *entry.get("copies", ()))]


def _name(given: str | None) -> str:
    return parse_name(given or "")[:_MAX_NAME]


def _refused(field: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(field, message)])

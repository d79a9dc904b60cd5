"""Stores feedback on answers, from the API or the page."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Literal

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.predictions import PredictionRecord
from features.store.store import Store
from features.text.masking import Masking
from features.text.parsing import parse_label, parse_masked_name, parse_name
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
    """Checks and stores feedback; it replaces the same person's earlier feedback on the entry.

    `now` returns the present time, aware UTC. `on_labels` is called with the labels that follow
    from feedback, once they are stored.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        on_labels: OnLabels = ignore_labels,
        masking: Masking | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._on_labels = on_labels
        self._masking = masking or Masking()

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
        """Store feedback on an answer and return it as stored.

        `subject` is the id of one entry of a list; for an open match it may be left out. `label` is
        used for corrections only. If `given_by` is empty, the source is stored in its place. An
        answer of the audit sample was not shown, so it can only be corrected. Raises
        `UnknownPrediction`, `InvalidFields` and `StoreUnavailable`.
        """
        answer = self._answer(prediction_id, incident_id, target)
        if answer.audit_share is not None and _action(action) is not FeedbackAction.CORRECT:
            raise _invalid("action", "was not shown: name the right label with correct")
        record = FeedbackRecord(
            prediction_id=prediction_id,
            incident_id=answer.incident_id,
            target=target,
            action=_action(action),
            label=self._right_label(target, label) if action == FeedbackAction.CORRECT else None,
            subject=_subject(answer, target, subject, self._masking),
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

    def _right_label(self, target: str, text: str | None) -> str:
        label = _label(text, self._masking)
        if target == "runbooks" and all(
            label != runbook.id for runbook in self._store.runbooks.all()
        ):
            raise _invalid("label", "name a stored runbook by its id")
        return label

    def _answer(self, prediction_id: str, incident_id: str | None, target: str) -> PredictionRecord:
        model_target = "similar" if target == OPEN_MATCH else target
        for record in self._store.predictions.get(prediction_id):
            is_about = incident_id is None or record.incident_id in (
                incident_id,
                parse_masked_name(incident_id, self._masking),
            )
            if is_about and record.target == model_target:
                return record
        about = "" if incident_id is None else f" about incident {incident_id!r}"
        raise UnknownPrediction(f"prediction {prediction_id!r} has no answer of {target!r}{about}")


def _action(text: str) -> FeedbackAction:
    try:
        return FeedbackAction(text)
    except ValueError:
        raise _invalid("action", f"use one of {', '.join(FeedbackAction)}") from None


def _label(text: str | None, masking: Masking) -> str:
    label = parse_label(text, masking)
    if label is None:
        raise _invalid("label", "name the right label")
    if len(label) > _MAX_LABEL:
        raise _invalid("label", f"at most {_MAX_LABEL} characters are accepted")
    return label


def _subject(
    answer: PredictionRecord, target: str, text: str | None, masking: Masking
) -> str | None:
    # Compared after parsing: ids of runbooks are paths and may contain spaces that parsing removes.
    ids = {parse_masked_name(id_, masking): id_ for id_ in _entry_ids(answer, target)}
    subject = parse_masked_name(text or "", masking) or None
    if target == OPEN_MATCH and subject is None and ids:
        return next(iter(ids.values()))
    if target == OPEN_MATCH or (subject is not None and target in _LISTS):
        if subject not in ids:
            raise _invalid("subject", "name an entry of the answer by its id")
        return ids[subject]
    if subject is not None:
        raise _invalid("subject", f"an answer of {target!r} has no entries to name")
    return None


def _entry_ids(answer: PredictionRecord, target: str) -> Collection[str]:
    if target == OPEN_MATCH:
        match = answer.answer.get(OPEN_MATCH)
        return [match["id"]] if match else []
    entries = answer.answer[target] if target in _LISTS else ()
    return [id_ for entry in entries for id_ in (entry["id"], *entry.get("copies", ()))]


def _name(text: str | None) -> str:
    return parse_name(text or "")[:_MAX_NAME]


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(field, message)])

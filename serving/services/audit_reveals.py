"""Reveals answers of the audit sample to people who need them before they decide."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.audit_event import AuditEvent
from features.domain.predictions import PredictionRecord
from features.store.store import Store
from serving.runtime.errors import FieldError, InvalidFields, UnknownPrediction

REVEAL = "reveal"


@dataclass(frozen=True, slots=True)
class RevealedAnswer:
    """An answer that was taken out of the audit sample, by whom and when."""

    record: PredictionRecord
    given_by: str
    given_at: datetime


class RevealService:
    """Takes answers out of the audit sample; `now` returns the present time, aware UTC."""

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._now = now

    def reveal(
        self, prediction_id: str, target: str, *, given_by: str, reason: str
    ) -> RevealedAnswer:
        """Take an answer out of the sample, log who wanted it and when, and return it.

        The undecided answers about its near-copies leave the sample too, since nobody can decide
        on them any more without knowing this one. Raises `UnknownPrediction`, `InvalidFields` if
        the answer is not held back, and `StoreUnavailable`.
        """
        records = self._store.predictions.get(prediction_id)
        record = next((record for record in records if record.target == target), None)
        if record is None:
            raise UnknownPrediction(f"prediction {prediction_id!r} has no answer of {target!r}")
        if record.audit_share is None:
            raise InvalidFields([FieldError("target", "is not held back: read the answer")])
        now = self._now()
        details = {"prediction_id": prediction_id, "group": record.audit_group}
        # Logged first: an answer must never be revealed without a trace.
        self._store.audit_log.append(
            AuditEvent(now, given_by, REVEAL, target, record.model_version, reason, details)
        )
        self._store.predictions.take_out_of_audit(record)
        return RevealedAnswer(record, given_by, now)


def revealed_groups(store: Store) -> frozenset[tuple[str, str]]:
    """Return the target and near-copy group of each revealed answer.

    Such a group is not drawn again. Raises `StoreUnavailable`.
    """
    return frozenset(
        (event.target or "", str(event.details.get("group")))
        for event in store.audit_log.select(action=REVEAL)
    )

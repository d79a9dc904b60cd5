"""Selects what callers may see of stored answers, as they were given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.domain.label_sources import decided_targets
from features.domain.modes import Mode, Modes
from features.domain.predictions import PredictionRecord
from features.domain.report import Outcome
from features.store.store import Store
from serving.runtime.errors import UnknownPrediction
from serving.services.audit_sampling import HELD_BACK
from serving.services.triage import SHIPPED, SWITCHED_OFF


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """The answers of one stored prediction that may be shown, by target.

    `absent` gives the reason for each target whose answer is hidden. `versions` are the versions of
    the models that answered.
    """

    prediction_id: str
    request_id: str
    incident_id: str
    answered_at: datetime
    answers: Mapping[str, PredictionRecord]
    absent: Mapping[str, str]

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each trained model whose answer is shown, by target."""
        return {
            target: record.model_version
            for target, record in self.answers.items()
            if record.model_version != SHIPPED
        }


class StoredAnswerService:
    """Reads stored answers; those of the audit sample are hidden until a person has decided."""

    def __init__(self, store: Store, modes: Callable[[], Modes]) -> None:
        self._store = store
        self._modes = modes

    def latest(self, incident_id: str) -> StoredAnswers | None:
        """Return the newest answers about an incident, None if there are none."""
        return self._visible(self._store.predictions.latest([incident_id]).get(incident_id, ()))

    def get(self, prediction_id: str) -> StoredAnswers:
        """Return the answers of a prediction; raises `UnknownPrediction`."""
        answers = self._visible(self._store.predictions.get(prediction_id))
        if answers is None:
            raise UnknownPrediction(f"no prediction {prediction_id!r} is stored")
        return answers

    def _visible(self, records: Sequence[PredictionRecord]) -> StoredAnswers | None:
        if not records:
            return None
        first, modes = records[0], self._modes()
        stored = self._store.incidents.get(first.incident_id)
        labels = self._store.labels.select(incident_ids=[first.incident_id])
        decided = decided_targets(labels, Outcome() if stored is None else stored.outcome)
        absent = {}
        for record in records:
            if modes.of(record.target) is Mode.OFF:
                absent[record.target] = SWITCHED_OFF
            elif record.audit_share is not None and record.target not in decided:
                absent[record.target] = HELD_BACK
        shown = {record.target: record for record in records if record.target not in absent}
        return StoredAnswers(
            first.prediction_id,
            first.request_id,
            first.incident_id,
            first.answered_at,
            shown,
            absent,
        )

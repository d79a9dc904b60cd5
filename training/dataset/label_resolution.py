"""Decides which label of an incident counts at a cutoff: the ledger's, the store's or a file's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.label_renames import Renames, current_label
from features.domain.label_sources import final_labels_of, source_for
from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.domain.predictions import PredictionSummary
from features.domain.report import ResolvedIncident

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ResolvedLabels:
    """The labels of one incident that count at the cutoff, at most one for each target.

    `labels` holds the strongest record known at the cutoff, by target. `labels_to_store` are labels
    of a file that are missing in the ledger, for targets that Precedent has answered.
    """

    labels: Mapping[str, LabelRecord]
    labels_to_store: tuple[LabelRecord, ...] = ()

    @property
    def trainable(self) -> dict[str, str]:
        """The label of each target, without those that only repeat Precedent's own answers."""
        return {
            target: record.label
            for target, record in self.labels.items()
            if record.source is not LabelSource.SELF_CONFIRMED
        }

    @property
    def self_confirmed(self) -> int:
        """The number of labels that only repeat Precedent's own answers."""
        return len(self.labels) - len(self.trainable)


class LabelResolver:
    """Resolves the labels of one incident at a time.

    `answers` are Precedent's newest answers, by incident id and target. `renamed` are the renamed
    labels: a file that has the new one does not contradict a stored label that is the old one.
    """

    def __init__(
        self,
        ledger: Iterable[LabelRecord],
        answers: Mapping[tuple[str, str], PredictionSummary],
        cutoff: datetime,
        renamed: Renames,
    ) -> None:
        self._ledger: dict[str, dict[str, list[LabelRecord]]] = {}
        for record in ledger:
            incident_records = self._ledger.setdefault(record.incident_id, {})
            incident_records.setdefault(record.target, []).append(record)
        self._answers = answers
        self._cutoff = cutoff
        self._renamed = renamed

    def resolve(
        self, stored_incident: ResolvedIncident | None, file_incident: ResolvedIncident | None
    ) -> ResolvedLabels:
        """Return the labels of an incident that is in the store, in a file, or in both.

        For each target, the strongest record known at the cutoff counts. If the ledger has records
        of the target, they include the stored final state. Otherwise the stored final state was
        read from a file, and is a record of its own, with the outcome as source. A label in the
        file is a further record if it differs from the newest final state in the ledger, or, if the
        ledger has no final state, from the label in the store. An incident that is stated to be
        open has no final state.
        """
        incident = stored_incident or file_incident
        if incident is None:
            return ResolvedLabels({})
        ledger = self._ledger.get(incident.report.id, {})
        records = {target: list(target_records) for target, target_records in ledger.items()}
        for record in _final_states(stored_incident):
            if record.target not in ledger:
                records.setdefault(record.target, []).append(record)
        new_records = tuple(self._new_file_records(stored_incident, file_incident, ledger))
        for record in new_records:
            records.setdefault(record.target, []).append(record)
        strongest_records = {
            target: strongest(self._records_until_cutoff(target_records))
            for target, target_records in records.items()
        }
        return ResolvedLabels(
            {target: record for target, record in strongest_records.items() if record is not None},
            tuple(record for record in new_records if record.prediction_id is not None),
        )

    def _records_until_cutoff(self, records: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
        return (record for record in records if record.given_at <= self._cutoff)

    def _new_file_records(
        self,
        stored_incident: ResolvedIncident | None,
        file_incident: ResolvedIncident | None,
        ledger: Mapping[str, list[LabelRecord]],
    ) -> Iterator[LabelRecord]:
        stored_labels = {} if stored_incident is None else final_labels_of(stored_incident.outcome)
        renamed = self._renamed
        for record in _final_states(file_incident):
            ledger_records = ledger.get(record.target, ())
            finals = [earlier for earlier in ledger_records if earlier.given_by == FINAL_STATE]
            stored = finals[-1].label if finals else stored_labels.get(record.target)
            known = None if stored is None else current_label(renamed, record.target, stored)
            if current_label(renamed, record.target, record.label) != known:
                answer = self._answers.get((record.incident_id, record.target))
                yield _add_source(record, answer)


def _final_states(incident: ResolvedIncident | None) -> Iterator[LabelRecord]:
    if incident is None:
        return
    for target, label in final_labels_of(incident.outcome).items():
        yield LabelRecord(
            incident_id=incident.report.id,
            target=target,
            label=label,
            source=LabelSource.OUTCOME,
            given_by=FINAL_STATE,
            given_at=incident.labels_known_at or _EARLIEST,
        )


def _add_source(record: LabelRecord, answer: PredictionSummary | None) -> LabelRecord:
    if answer is None:
        return record
    return LabelRecord(
        incident_id=record.incident_id,
        target=record.target,
        label=record.label,
        source=source_for(record.label, answer),
        given_by=record.given_by,
        given_at=record.given_at,
        prediction_id=answer.prediction_id,
    )

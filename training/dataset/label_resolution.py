"""Which label of an incident counts at a cutoff, by the ledger, the store and a file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from features.domain.label_sources import labels_of, source_for
from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.domain.predictions import PredictionSummary
from features.domain.report import ResolvedIncident
from training.dataset.split import known_at

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ResolvedLabels:
    """The label of each target of an incident that counts at the cutoff.

    `labels` holds the strongest record known then. `labels_to_store` are a file's labels that
    follow an answer of ours and that the ledger lacks.
    """

    labels: Mapping[str, LabelRecord]
    labels_to_store: tuple[LabelRecord, ...] = ()

    @property
    def trainable(self) -> dict[str, str]:
        """The label of each target, without those that only repeat our own answers."""
        return {
            target: record.label
            for target, record in self.labels.items()
            if record.source is not LabelSource.SELF_CONFIRMED
        }

    @property
    def self_confirmed(self) -> int:
        """How many labels only repeat our own answers."""
        return len(self.labels) - len(self.trainable)


class LabelResolver:
    """Decides incident by incident; `answers` are the newest, by incident and target."""

    def __init__(
        self,
        ledger: Iterable[LabelRecord],
        answers: Mapping[tuple[str, str], PredictionSummary],
        cutoff: datetime,
    ) -> None:
        self._ledger: dict[str, dict[str, list[LabelRecord]]] = {}
        for record in ledger:
            of_incident = self._ledger.setdefault(record.incident_id, {})
            of_incident.setdefault(record.target, []).append(record)
        self._answers = answers
        self._cutoff = cutoff

    def resolve(
        self, stored: ResolvedIncident | None, filed: ResolvedIncident | None
    ) -> ResolvedLabels:
        """Return the labels of an incident that is stored, in a file, or both.

        A stored final state is in the ledger if the ledger knows the target at all; if not it was
        read from a file, and counts as an outcome. A file's label is new where both have another.
        """
        incident = stored or filed
        if incident is None:
            return ResolvedLabels({})
        ledger = self._ledger.get(incident.report.id, {})
        records = {target: list(of_target) for target, of_target in ledger.items()}
        for record in _final_states(stored):
            if record.target not in ledger:
                records.setdefault(record.target, []).append(record)
        new = tuple(self._new_in_file(stored, filed, ledger))
        for record in new:
            records.setdefault(record.target, []).append(record)
        strongest_known = {
            target: strongest(self._known(of_target)) for target, of_target in records.items()
        }
        return ResolvedLabels(
            {target: record for target, record in strongest_known.items() if record is not None},
            tuple(record for record in new if record.prediction_id is not None),
        )

    def _known(self, records: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
        return (record for record in records if record.given_at <= self._cutoff)

    def _new_in_file(
        self,
        stored: ResolvedIncident | None,
        filed: ResolvedIncident | None,
        ledger: Mapping[str, list[LabelRecord]],
    ) -> Iterator[LabelRecord]:
        before = {} if stored is None else labels_of(stored.outcome)
        for record in _final_states(filed):
            of_target = ledger.get(record.target, ())
            final = [earlier for earlier in of_target if earlier.given_by == FINAL_STATE]
            known = final[-1].label if final else before.get(record.target)
            if record.label != known:
                answer = self._answers.get((record.incident_id, record.target))
                yield _with_source(record, answer)


def _final_states(incident: ResolvedIncident | None) -> Iterator[LabelRecord]:
    if incident is None:
        return
    for target, label in labels_of(incident.outcome).items():
        yield LabelRecord(
            incident_id=incident.report.id,
            target=target,
            label=label,
            source=LabelSource.OUTCOME,
            given_by=FINAL_STATE,
            given_at=known_at(incident) or _ALWAYS,
        )


def _with_source(record: LabelRecord, answer: PredictionSummary | None) -> LabelRecord:
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

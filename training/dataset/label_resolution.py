"""Which label of an incident was known at a cutoff, of what the ledger, store and a file say."""

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
    """What is said of one incident, and how it was decided.

    `labels` holds the strongest word known at the cutoff by target. `news` are the labels of a
    file that an answer of ours came before: the ledger should know of them.
    """

    labels: Mapping[str, LabelRecord]
    news: tuple[LabelRecord, ...] = ()

    @property
    def trainable(self) -> dict[str, str]:
        """The label of each target, without those that only repeat our own answers."""
        kept = {
            t: one for t, one in self.labels.items() if one.source is not LabelSource.SELF_CONFIRMED
        }
        return {target: one.label for target, one in kept.items()}

    @property
    def echoes(self) -> int:
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
        self._said: dict[str, dict[str, list[LabelRecord]]] = {}
        for one in ledger:
            of_incident = self._said.setdefault(one.incident_id, {})
            of_incident.setdefault(one.target, []).append(one)
        self._answers = answers
        self._cutoff = cutoff

    def judge(
        self, stored: ResolvedIncident | None, filed: ResolvedIncident | None
    ) -> ResolvedLabels:
        """Weigh what is known of an incident that is stored, in a file, or both.

        A stored final state has its word in the ledger if anything has: without any it was read
        from a file, and counts as an outcome. A file tells news where it differs from both.
        """
        incident = stored or filed
        if incident is None:
            return ResolvedLabels({})
        said = self._said.get(incident.report.id, {})
        opinions = {target: list(each) for target, each in said.items()}
        for record in _final_states(stored):
            if record.target not in said:
                opinions.setdefault(record.target, []).append(record)
        news = []
        for record in self._news(stored, filed, said):
            opinions.setdefault(record.target, []).append(record)
            if record.prediction_id is not None:
                news.append(record)
        known = {target: strongest(self._known(each)) for target, each in opinions.items()}
        return ResolvedLabels({t: one for t, one in known.items() if one is not None}, tuple(news))

    def _known(self, records: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
        return (one for one in records if one.given_at <= self._cutoff)

    def _news(
        self,
        stored: ResolvedIncident | None,
        filed: ResolvedIncident | None,
        said: Mapping[str, list[LabelRecord]],
    ) -> Iterator[LabelRecord]:
        before = {} if stored is None else labels_of(stored.outcome)
        for record in _final_states(filed):
            finals = [one for one in said.get(record.target, ()) if one.given_by == FINAL_STATE]
            known = finals[-1].label if finals else before.get(record.target)
            if record.label != known:
                answer = self._answers.get((record.incident_id, record.target))
                yield _told_by(record, answer)


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


def _told_by(record: LabelRecord, answer: PredictionSummary | None) -> LabelRecord:
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

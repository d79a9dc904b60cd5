"""Builds the monitoring report of all champions, from the store and the registry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.domain.monitoring import BaselineJudgement, Measure, MonitoringReport
from features.encoding.vector_cache import Progress
from features.home import Home
from features.store.store import Store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.base.model_card import Card
from models.base.target_labels import label_of
from models.lifecycle.suspension import resumed_by_hand
from models.novelty.novelty_gate import TARGET as NOVELTY
from training.monitoring.answer_quality import AnsweredIncidents, first_answers, measure_answers
from training.monitoring.category_proposals import propose_categories
from training.monitoring.certificate_checks import check_certificates
from training.monitoring.concept_drift import find_concept_changes
from training.monitoring.dataset import MonitoringDataset, opened_at, read_monitoring_dataset
from training.monitoring.findings import Findings, combine
from training.monitoring.input_drift import measure_inputs
from training.monitoring.label_shift import measure_label_shift
from training.monitoring.newest_period import (
    LabelledIncident,
    describe_judgements,
    judge_newest_period,
)
from training.monitoring.renamed_labels import propose_renames
from training.monitoring.shadow_comparison import measure_shadow
from training.monitoring.wrong_acts import measure_wrong_acts

WITHOUT_LABELS = frozenset({"similar", "runbooks", NOVELTY})
"""The targets whose models predict no label of an outcome."""

_WITHOUT_CHAMPION_DAYS = 30


@dataclass(frozen=True, slots=True)
class MonitoredChampion:
    """A target's champion and its card."""

    version: ModelVersion
    card: Card

    @property
    def target(self) -> str:
        """The target that the champion predicts."""
        return self.version.target

    @property
    def learned_until(self) -> datetime:
        """When the champion's training data end, or if unknown, when it was trained."""
        return self.card.cutoff or self.version.trained_at


def build_report(
    store: Store,
    registry: ModelRegistry,
    home: Home,
    encoder: str,
    *,
    days: int | None = None,
    progress: Progress = lambda _count: None,
) -> MonitoringReport:
    """Compare incidents before and after the end of the champions' data; measure the answers.

    `days` limits the report to that many days before the newest incident. Without a champion the
    default limit is 30 days. No state is kept between reports, so the same stored data give the
    same findings.
    """
    dataset = read_monitoring_dataset(store, home, encoder, progress)
    champions = [
        MonitoredChampion(version, read_card(version))
        for target, version in sorted(registry.champions().items())
        if target not in WITHOUT_LABELS
    ]
    starts = {
        champion.target: _find_start(dataset, champion.learned_until, days)
        for champion in champions
    }
    since = dataset.first_since(max(starts.values(), default=_find_start(dataset, None, days)))
    targets = [champion.target for champion in champions]
    judged = (_judge_champion(store, dataset, champion) for champion in champions)
    judgements = tuple(judgement for judgement in judged if judgement is not None)
    findings = combine(
        [
            measure_wrong_acts(store),
            Findings((Measure("incidents compared", len(dataset.ids) - since, None, None, since),)),
            find_concept_changes(dataset, targets, since),
            measure_inputs(dataset, since),
            *(
                _check_champion(
                    store, registry, dataset, champion, starts[champion.target], len(targets)
                )
                for champion in champions
            ),
            describe_judgements(judgements),
        ]
    )
    return MonitoringReport(
        datetime.now(UTC), findings.measures, findings.alarms, findings.proposals, judgements
    )


def _find_start(
    dataset: MonitoringDataset, learned_until: datetime | None, days: int | None
) -> datetime:
    newest = dataset.until or datetime.now(UTC)
    if learned_until is None:
        return newest - timedelta(days=days or _WITHOUT_CHAMPION_DAYS)
    return learned_until if days is None else max(learned_until, newest - timedelta(days=days))


def _judge_champion(
    store: Store, dataset: MonitoringDataset, champion: MonitoredChampion
) -> BaselineJudgement | None:
    """Judge a champion by its answers to incidents opened after its training data ended."""
    target, version = champion.target, champion.version.version
    resumed_at = resumed_by_hand(store, target, version)
    start = max(filter(None, (champion.learned_until, resumed_at)))
    answers = {
        answer.incident_id: answer.label
        for answer in first_answers(
            store.predictions.between(start, _distant_future(), target), version
        )
    }
    truths = unbiased_labels(
        dataset, target, _group_by_incident(store.labels.select(target=target))
    )
    learned = dataset.first_since(champion.learned_until)
    incidents = [
        LabelledIncident(
            opened_at(incident), truths[id_], answers.get(id_) if row >= learned else None
        )
        for row, (id_, incident) in enumerate(zip(dataset.ids, dataset.incidents, strict=True))
        if id_ in truths
    ]
    return judge_newest_period(target, version, incidents)


def _distant_future() -> datetime:
    # The times of a replayed history may be later than now.
    return datetime.now(UTC) + timedelta(days=36_500)


def _check_champion(
    store: Store,
    registry: ModelRegistry,
    dataset: MonitoringDataset,
    champion: MonitoredChampion,
    start: datetime,
    target_count: int,
) -> Findings:
    target = champion.target
    answers = first_answers(
        store.predictions.between(start, _distant_future(), target), champion.version.version
    )
    incident_ids = set(dataset.ids)
    ledger = _group_by_incident(store.labels.select(target=target))
    answered_incidents = AnsweredIncidents(
        target,
        tuple(answer for answer in answers if answer.incident_id in incident_ids),
        unbiased_labels(dataset, target, ledger),
        {incident.report.id: opened_at(incident) for incident in dataset.incidents},
    )
    since = dataset.first_since(start)
    challenger = registry.challengers().get(target)
    pairs = store.shadow_predictions.pairs(target, challenger.version) if challenger else ()
    return combine(
        [
            measure_answers(
                answered_incidents, champion.card, store.feedback.select(target), target_count
            ),
            check_certificates(
                champion.version,
                champion.card,
                store.predictions.audited(target),
                store.certificate_withdrawals.all(),
            ),
            measure_label_shift(dataset, target, since),
            propose_renames(dataset, target),
            propose_categories(dataset, target, _find_unplaced(answered_incidents, ledger)),
            *([measure_shadow(target, challenger.version, pairs)] if challenger and pairs else []),
        ]
    )


def _group_by_incident(records: Iterable[LabelRecord]) -> dict[str, list[LabelRecord]]:
    groups: dict[str, list[LabelRecord]] = {}
    for record in records:
        groups.setdefault(record.incident_id, []).append(record)
    return groups


def unbiased_labels(
    dataset: MonitoringDataset, target: str, ledger: Mapping[str, Sequence[LabelRecord]]
) -> dict[str, str]:
    """Return labels by incident id, except those known only from feedback or Precedent's answers.

    Audited labels are included, since people give them without seeing the answer.
    """
    labels = {}
    for incident in dataset.incidents:
        records = ledger.get(incident.report.id, ())
        label = label_of(incident.outcome, target)
        if label is not None and (not records or any(map(_is_unbiased, records))):
            labels[incident.report.id] = label
    return labels


def _is_unbiased(record: LabelRecord) -> bool:
    if record.source is LabelSource.SELF_CONFIRMED:
        return False
    return record.source is LabelSource.AUDITED or record.given_by == FINAL_STATE


def _find_unplaced(
    incidents: AnsweredIncidents, ledger: Mapping[str, Sequence[LabelRecord]]
) -> frozenset[str]:
    """Return the ids of the incidents whose answer abstained or was corrected."""
    abstained_ids = {
        answer.incident_id for answer in incidents.answers if answer.decision == "abstain"
    }
    correction_sources = {LabelSource.CORRECTED, LabelSource.REPLACED}
    corrected_ids = {
        id_
        for id_, records in ledger.items()
        if (best := strongest(records)) is not None and best.source in correction_sources
    }
    answered_ids = {answer.incident_id for answer in incidents.answers}
    return frozenset(abstained_ids | (corrected_ids & answered_ids))

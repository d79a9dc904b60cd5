"""Builds the monitoring report of all champions, from the store and the registry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from features.domain.labels import LabelRecord, LabelSource, strongest
from features.domain.monitoring import Measure, MonitoringReport
from features.encoding.vector_cache import Progress
from features.home import Home
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from training.monitoring.answer_quality import AnsweredIncidents, first_answers, measure_answers
from training.monitoring.category_proposals import propose_categories
from training.monitoring.certificate_checks import check_certificates
from training.monitoring.champion_judgement import (
    MonitoredChampion,
    distant_future,
    find_champions,
    judge_champions,
    labels_by_incident,
    unbiased_labels,
)
from training.monitoring.concept_drift import find_concept_changes
from training.monitoring.dataset import MonitoringDataset, opened_at, read_monitoring_dataset
from training.monitoring.findings import Findings, combine
from training.monitoring.input_drift import measure_inputs
from training.monitoring.label_shift import measure_label_shift
from training.monitoring.newest_period import describe_judgements
from training.monitoring.renamed_labels import propose_renames
from training.monitoring.resolution_coverage import measure_resolution
from training.monitoring.shadow_comparison import measure_shadow
from training.monitoring.wrong_acts import measure_wrong_acts

_WITHOUT_CHAMPION_DAYS = 30


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
    champions = find_champions(registry)
    starts = {
        champion.target: _find_start(dataset, champion.learned_until, days)
        for champion in champions
    }
    since = dataset.first_since(max(starts.values(), default=_find_start(dataset, None, days)))
    targets = [champion.target for champion in champions]
    judgements = judge_champions(store, champions, dataset.incidents)
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
            measure_resolution(store, registry, dataset.incidents),
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
        store.predictions.between(start, distant_future(), target), champion.version.version
    )
    incident_ids = set(dataset.ids)
    ledger = labels_by_incident(store.labels.select(target=target))
    answered_incidents = AnsweredIncidents(
        target,
        tuple(answer for answer in answers if answer.incident_id in incident_ids),
        unbiased_labels(dataset.incidents, target, ledger),
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

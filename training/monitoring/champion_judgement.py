"""Judges the champions by their answers to incidents opened after their data ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.domain.monitoring import BaselineJudgement
from features.domain.report import ResolvedIncident
from features.store.store import Store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.base.model_card import Card
from models.base.target_labels import label_of
from models.lifecycle.suspension import resumed_by_hand
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from training.monitoring.answer_quality import first_answers
from training.monitoring.newest_period import LabelledIncident, judge_newest_period

WITHOUT_LABELS = frozenset({"similar", "runbooks", NOVELTY, RESOLUTION})
"""The targets whose models predict no label of an outcome."""

_A_CENTURY = timedelta(days=36_500)


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


def find_champions(registry: ModelRegistry) -> list[MonitoredChampion]:
    """Return the champions that predict labels, by target. Raises `RegistryUnavailable`."""
    return [
        MonitoredChampion(version, read_card(version))
        for target, version in sorted(registry.champions().items())
        if target not in WITHOUT_LABELS
    ]


def judge_champions(
    store: Store, champions: Iterable[MonitoredChampion], incidents: Sequence[ResolvedIncident]
) -> tuple[BaselineJudgement, ...]:
    """Compare each champion's answers with a constant answer in the newest period.

    `incidents` have known opening times and are in order of opening. Champions with too few
    answers are left out. Raises `StoreUnavailable`.
    """
    judgements = (_judge(store, champion, incidents) for champion in champions)
    return tuple(judgement for judgement in judgements if judgement is not None)


def _judge(
    store: Store, champion: MonitoredChampion, incidents: Sequence[ResolvedIncident]
) -> BaselineJudgement | None:
    target, version = champion.target, champion.version.version
    resumed_at = resumed_by_hand(store, target, version)
    start = max(filter(None, (champion.learned_until, resumed_at)))
    given = store.predictions.between(start, distant_future(), target)
    answers = {answer.incident_id: answer.label for answer in first_answers(given, version)}
    if not answers:
        return None
    ledger = labels_by_incident(store.labels.select(target=target))
    truths = unbiased_labels(incidents, target, ledger)
    return judge_newest_period(
        target,
        version,
        [
            LabelledIncident(
                opened_at,
                truths[incident.report.id],
                answers.get(incident.report.id) if opened_at > champion.learned_until else None,
            )
            for incident in incidents
            if incident.report.id in truths and (opened_at := incident.report.opened_at)
        ],
    )


def distant_future() -> datetime:
    """Return a moment after all incidents; a replayed history may end later than now."""
    return datetime.now(UTC) + _A_CENTURY


def labels_by_incident(records: Iterable[LabelRecord]) -> dict[str, list[LabelRecord]]:
    """Return label records by the id of their incident."""
    groups: dict[str, list[LabelRecord]] = {}
    for record in records:
        groups.setdefault(record.incident_id, []).append(record)
    return groups


def unbiased_labels(
    incidents: Iterable[ResolvedIncident],
    target: str,
    ledger: Mapping[str, Sequence[LabelRecord]],
) -> dict[str, str]:
    """Return labels by incident id, except those known only from feedback or Precedent's answers.

    Audited labels are included, since people give them without seeing the answer.
    """
    labels = {}
    for incident in incidents:
        records = ledger.get(incident.report.id, ())
        label = label_of(incident.outcome, target)
        if label is not None and (not records or any(map(_is_unbiased, records))):
            labels[incident.report.id] = label
    return labels


def _is_unbiased(record: LabelRecord) -> bool:
    if record.source is LabelSource.SELF_CONFIRMED:
        return False
    return record.source is LabelSource.AUDITED or record.given_by == FINAL_STATE

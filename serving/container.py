"""The container of services that routes and pages share, built once for an app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from features.encoding.encoder_weights import EncoderSettings
from features.home import Home
from features.store.store import Store
from features.text.masking import configured_masking
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from models.runbooks.runbook_model import RunbookModel
from models.similarity.similar_model import SimilarModel
from serving.background.certificates import CertificatePoller
from serving.background.challengers import ChallengerPoller
from serving.background.champions import ChampionPoller, Champions, ServableVersions
from serving.background.index_updater import IndexUpdater
from serving.background.label_rates import LabelRatePoller
from serving.background.maintenance import MaintenanceRunner
from serving.background.memory_trimmer import MemoryTrimmer
from serving.background.mode_poller import ModePoller
from serving.background.model_health import (
    ChampionCollector,
    ModelHealthCollector,
    ModelHealthPoller,
)
from serving.background.precedents import PrecedentUpdater
from serving.background.runbook_index import TARGET as RUNBOOKS
from serving.background.runbook_index import RunbookPoller
from serving.background.shadow_predictions import ShadowPredictor
from serving.background.suspensions import SuspensionCollector, SuspensionPoller
from serving.background.text_index import TextIndexUpdater
from serving.background.topology_file import TopologyFile
from serving.background.unknown_labels import UnknownLabelPoller
from serving.runtime.key_check import KeyCheck
from serving.runtime.lanes import Lanes
from serving.runtime.metrics import ServingMetrics
from serving.runtime.settings import ServingSettings
from serving.schemas.parsing import RequestReader
from serving.services.active_learning import LabelQueue
from serving.services.alerts.intake import AlertIntake
from serving.services.alerts.stale_incidents import StaleIncidentMarker
from serving.services.alerts.storms import StormService
from serving.services.answer_policy import PolicySource
from serving.services.audit_reveals import RevealService
from serving.services.audit_sampling import AuditSample
from serving.services.champion_or_shipped import ChampionOrShipped
from serving.services.changes import ChangeService
from serving.services.feedback import FeedbackService
from serving.services.feedback_labels import LabelListener
from serving.services.incident_context import IncidentContextService
from serving.services.label_vocabulary import LabelVocabulary
from serving.services.promotions import PromotionService
from serving.services.records.incident_search import IncidentSearch
from serving.services.records.incidents import IncidentService
from serving.services.records.stored_answers import StoredAnswerService
from serving.services.runbook_search import RunbookService
from serving.services.similar_search import TARGET as SIMILAR
from serving.services.similar_search import SimilarService
from serving.services.surges import SurgeCollector, SurgeFinder
from serving.services.telemetry.routines import RoutineService
from serving.services.triage import Retriever, TriageService
from serving.services.triage_worker import TriageWorker

# No answer depends on challengers or model health, so they are polled less often.
_SLOW_FACTOR = 5


class BackgroundTask(Protocol):
    """A task that runs in the background from start to stop."""

    def start(self) -> None:
        """Start the task."""

    def request_stop(self) -> None:
        """Tell the task to stop, without waiting for it."""

    def stop(self) -> None:
        """Stop the task, and wait a few seconds for it."""


@dataclass(frozen=True, slots=True)
class Container:
    """The services and background tasks of one app."""

    settings: ServingSettings
    champions: ChampionPoller
    challengers: ChallengerPoller
    modes: ModePoller
    certificates: CertificatePoller
    suspensions: SuspensionPoller
    label_rates: LabelRatePoller
    model_health: ModelHealthPoller
    unknown_labels: UnknownLabelPoller
    metrics: ServingMetrics
    lanes: Lanes
    key_check: KeyCheck
    reader: RequestReader
    triage: TriageService
    incidents: IncidentService
    incident_index: IndexUpdater
    text_index: TextIndexUpdater
    precedents: PrecedentUpdater
    incident_search: IncidentSearch
    similar: SimilarService
    runbook_index: RunbookPoller
    runbooks: RunbookService
    feedback: FeedbackService
    reveals: RevealService
    stored_answers: StoredAnswerService
    incident_context: IncidentContextService
    changes: ChangeService
    routines: RoutineService
    alerts: AlertIntake
    triage_worker: TriageWorker
    storms: StormService
    surges: SurgeFinder
    stale_incidents: StaleIncidentMarker
    registry: ServableVersions
    promotions: PromotionService
    label_queue: LabelQueue
    label_vocabulary: LabelVocabulary
    shadow: ShadowPredictor | None
    maintenance: MaintenanceRunner | None
    memory: MemoryTrimmer
    store: Store

    def unready(self) -> dict[str, str]:
        """Return why requests would fail or answers be missing: a reason for each cause."""
        reasons = {}
        if not self.store.writes_work():
            reasons["store"] = "writes fail; the log says why"
        if not self.incident_index.is_complete:
            reasons["index"] = (
                "past incidents are still being indexed; similar ones cannot be found"
            )
        if self.runbook_index.size is None:
            reasons["runbook_index"] = "the runbooks are still being read, or cannot be read"
        return reasons

    def request_stop(self) -> None:
        """Tell every background task to stop, without waiting for any."""
        for poller in self.pollers:
            poller.request_stop()

    @property
    def pollers(self) -> tuple[BackgroundTask, ...]:
        """The background tasks, in the order in which they start and stop."""
        answering = (self.modes, self.champions, self.certificates, self.suspensions)
        indexes = (self.incident_index, self.runbook_index, self.text_index, self.precedents)
        shadow = () if self.shadow is None else (self.challengers, self.shadow)
        maintenance = () if self.maintenance is None else (self.maintenance,)
        health = (self.unknown_labels, self.label_rates, self.model_health)
        alerts = (self.triage_worker, self.stale_incidents, self.surges)
        return (*answering, *indexes, *health, *alerts, *shadow, *maintenance, self.memory)


@dataclass(frozen=True, slots=True)
class _Pollers:
    """The pollers of the models, their modes, certificates, suspensions, label rates and health."""

    champions: ChampionPoller
    challengers: ChallengerPoller
    modes: ModePoller
    certificates: CertificatePoller
    suspensions: SuspensionPoller
    model_health: ModelHealthPoller
    unknown_labels: UnknownLabelPoller
    label_rates: LabelRatePoller


def build_container(
    settings: ServingSettings, registry: ServableVersions, store: Store
) -> Container:
    """Build the container of an app; starts no background task."""
    home = Home(settings.home.absolute())
    pollers = _build_pollers(settings, registry, store)
    storms = StormService(store)
    surges = SurgeFinder(store, storms)
    metrics = ServingMetrics(
        [
            ModelHealthCollector(pollers.model_health, pollers.certificates),
            ChampionCollector(pollers.champions.current),
            SuspensionCollector(pollers.suspensions, pollers.champions.current),
            SurgeCollector(surges),
        ]
    )
    searcher, suggester = _retrieval_models(pollers.champions.current)
    incident_index = IndexUpdater(
        store,
        home,
        searcher.encoder,
        settings.poll_seconds,
        next_encoder=searcher.next_encoder,
        tenant=settings.tenant,
    )
    text_index = TextIndexUpdater(store, settings.poll_seconds)
    runbook_index = RunbookPoller(
        store,
        home,
        suggester.encoder,
        settings.poll_seconds,
        next_encoder=suggester.next_encoder,
    )
    pollers.champions.wait_for_index(SIMILAR, incident_index.must_wait_for)
    pollers.champions.wait_for_index(RUNBOOKS, runbook_index.must_wait_for)
    similar = SimilarService(searcher, incident_index, store)
    runbooks = RunbookService(suggester, runbook_index)
    shadow = (
        ShadowPredictor(pollers.challengers.current, store, metrics) if settings.shadow else None
    )
    retrievers: dict[str, Retriever] = {similar.target: similar, runbooks.target: runbooks}
    sample = AuditSample(settings.tenant, settings.audit_share)
    policies = PolicySource(
        pollers.modes,
        pollers.certificates,
        sample,
        pollers.unknown_labels,
        pollers.suspensions,
        pollers.label_rates,
    )
    on_labels = LabelListener(metrics, pollers.certificates)
    precedents = PrecedentUpdater(
        store,
        settings.poll_seconds,
        is_needed=lambda: RESOLUTION in pollers.champions.current().serving,
    )
    triage = TriageService(
        pollers.champions.current,
        policies.current,
        store,
        metrics,
        retrievers,
        shadow,
        precedents.contexts_of,
    )
    triage_worker = TriageWorker(
        store,
        triage,
        storms,
        incident_index.apply_changes,
        # Without an index, an incident would never be linked to the open one that it repeats.
        must_wait=lambda: not (incident_index.is_complete or incident_index.is_failing),
    )
    masking = configured_masking(settings)
    topology = TopologyFile(settings.topology, home.topology)
    return Container(
        settings=settings,
        champions=pollers.champions,
        challengers=pollers.challengers,
        modes=pollers.modes,
        certificates=pollers.certificates,
        suspensions=pollers.suspensions,
        label_rates=pollers.label_rates,
        model_health=pollers.model_health,
        unknown_labels=pollers.unknown_labels,
        metrics=metrics,
        lanes=Lanes(settings, metrics),
        key_check=KeyCheck(settings.api_key),
        reader=RequestReader(dict(settings), masking, metrics),
        triage=triage,
        incidents=IncidentService(
            store, registry, home, settings.tenant, on_labels=on_labels, masking=masking
        ),
        incident_index=incident_index,
        text_index=text_index,
        precedents=precedents,
        incident_search=IncidentSearch(store, text_index),
        similar=similar,
        runbook_index=runbook_index,
        runbooks=runbooks,
        feedback=FeedbackService(store, on_labels=on_labels, masking=masking),
        reveals=RevealService(store),
        stored_answers=StoredAnswerService(store, lambda: pollers.modes.modes),
        incident_context=IncidentContextService(store, topology.current),
        changes=ChangeService(store),
        routines=RoutineService(store),
        alerts=AlertIntake(
            store,
            masking,
            timedelta(hours=settings.alert_stale_hours),
            settings.heartbeat_names,
            triage_worker.wake,
        ),
        stale_incidents=StaleIncidentMarker(store, settings),
        triage_worker=triage_worker,
        storms=storms,
        surges=surges,
        registry=registry,
        promotions=PromotionService(store, home, settings.tenant),
        label_queue=LabelQueue(store, pollers.champions.current, incident_index.index),
        label_vocabulary=LabelVocabulary(store, pollers.champions.current),
        shadow=shadow,
        maintenance=MaintenanceRunner(settings, store) if settings.maintain_hours else None,
        memory=MemoryTrimmer(),
        store=store,
    )


def _build_pollers(settings: ServingSettings, registry: ServableVersions, store: Store) -> _Pollers:
    seconds = settings.poll_seconds
    champions = ChampionPoller(registry, seconds)
    certificates = CertificatePoller(store, champions.current, seconds)
    return _Pollers(
        champions,
        ChallengerPoller(
            registry, _SLOW_FACTOR * seconds, excluded=(SIMILAR, RUNBOOKS, NOVELTY, RESOLUTION)
        ),
        ModePoller(store, seconds),
        certificates,
        SuspensionPoller(store, seconds),
        ModelHealthPoller(store, certificates, _SLOW_FACTOR * seconds),
        UnknownLabelPoller(store, champions.current, _SLOW_FACTOR * seconds),
        LabelRatePoller(store, champions.current, _SLOW_FACTOR * seconds),
    )


def _retrieval_models(
    champions: Callable[[], Champions],
) -> tuple[ChampionOrShipped[SimilarModel], ChampionOrShipped[RunbookModel]]:
    encoder = EncoderSettings().encoder
    similar, runbook = SimilarModel(encoder=encoder), RunbookModel(encoder=encoder)
    return (
        ChampionOrShipped(SIMILAR, similar.fit(()), champions),
        ChampionOrShipped(RUNBOOKS, runbook.fit(()), champions),
    )

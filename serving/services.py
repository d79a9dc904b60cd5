"""What the routes share, built once for an app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from features.history.store import IncidentStore
from features.home import Home
from features.incident.masking import configured_masking
from serving.alertmanager_hook import AlertmanagerHook
from serving.bodies import Limits
from serving.champions import ChampionWatcher, Registry
from serving.changes import ChangeService
from serving.feedback import FeedbackService
from serving.incidents import IncidentService
from serving.metrics import ServingMetrics
from serving.modes import ModeWatcher
from serving.past import PastWatcher
from serving.reading import BodyReader, read_body
from serving.runbooks import RunbookService
from serving.settings import ServingSettings
from serving.similar import SimilarChampion, SimilarService
from serving.surroundings import SurroundingsService
from serving.topology import TopologyFile
from serving.triage import Retriever, TriageService


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one app."""

    settings: ServingSettings
    champions: ChampionWatcher
    modes: ModeWatcher
    metrics: ServingMetrics
    reader: BodyReader
    triage: TriageService
    incidents: IncidentService
    past: PastWatcher
    similar: SimilarService
    runbooks: RunbookService
    feedback: FeedbackService
    surroundings: SurroundingsService
    changes: ChangeService
    alertmanager: AlertmanagerHook
    store: IncidentStore


def build_services(settings: ServingSettings, registry: Registry, store: IncidentStore) -> Services:
    """Put the parts together; starts nothing."""
    watcher = ChampionWatcher(registry, settings.poll_seconds)
    modes = ModeWatcher(store, settings.poll_seconds)
    metrics = ServingMetrics(lambda: watcher.champions)
    home = Home(settings.home.absolute())
    searcher = SimilarChampion(lambda: watcher.champions)
    past = PastWatcher(store, home, lambda: searcher.model().encoder, settings.poll_seconds)
    similar = SimilarService(searcher, past, store)
    runbooks = RunbookService(lambda: watcher.champions, store, home, settings.poll_seconds)
    retrievers: dict[str, Retriever] = {similar.target: similar, runbooks.target: runbooks}
    topology = TopologyFile(settings.topology, home.topology)
    limits = Limits(
        max_batch_incidents=settings.max_batch_incidents,
        max_text_characters=settings.max_text_characters,
        max_points=settings.max_points,
        max_series=settings.max_series,
    )
    masking = configured_masking(settings)
    triage = TriageService(
        lambda: watcher.champions, lambda: modes.modes, store, metrics, retrievers
    )
    return Services(
        settings=settings,
        champions=watcher,
        modes=modes,
        metrics=metrics,
        reader=BodyReader(limits, masking, metrics),
        triage=triage,
        incidents=IncidentService(store, registry, home, settings.tenant),
        past=past,
        similar=similar,
        runbooks=runbooks,
        feedback=FeedbackService(store),
        surroundings=SurroundingsService(store.telemetry, topology.current),
        changes=ChangeService(store.telemetry),
        alertmanager=AlertmanagerHook(store, triage, masking),
        store=store,
    )


async def _services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


SharedServices = Annotated[Services, Depends(_services_of)]


async def _read_body(request: Request, services: SharedServices) -> bytes:
    return await read_body(request, services.settings.max_body_bytes)


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


RawBody = Annotated[bytes, Depends(_read_body)]
RequestId = Annotated[str, Depends(_request_id)]

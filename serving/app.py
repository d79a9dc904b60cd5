"""Builds the FastAPI app of the service."""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from features.errors import PrecedentError
from features.home import open_home
from features.store.store import Store, open_home_store
from models.artifacts.registry import ModelRegistry
from models.timeseries.anomaly_model import enable_kernel_cache
from serving.api.json_route import JsonRoute
from serving.api.middleware import (
    BodyLimitMiddleware,
    HostMiddleware,
    OverloadMiddleware,
    RequestLogMiddleware,
)
from serving.api.problems import answer_error, answer_http_error, answer_invalid
from serving.api.routes.feedback import feedback_routes
from serving.api.routes.health import health_routes
from serving.api.routes.incidents import incident_routes
from serving.api.routes.models import model_routes
from serving.api.routes.routines import routine_routes
from serving.api.routes.search import search_routes
from serving.api.routes.surges import surge_routes
from serving.api.routes.telemetry import series_routes, telemetry_routes
from serving.api.routes.triage import triage_routes
from serving.background.champions import ServableVersions
from serving.background.kernel_compiler import compile_in_background
from serving.container import Container, build_container
from serving.pages.mount import mount_page
from serving.runtime.memory import share_arenas
from serving.runtime.settings import ServingSettings

_ROUTES = (
    triage_routes,
    search_routes,
    feedback_routes,
    incident_routes,
    surge_routes,
    telemetry_routes,
    series_routes,
    routine_routes,
    model_routes,
    health_routes,
)
_SWITCH_SECONDS = 0.0005
_DESCRIPTION = "Incident triage that learns from an organisation's own history."


def create_app(
    settings: ServingSettings,
    *,
    registry: ServableVersions | None = None,
    store: Store | None = None,
) -> FastAPI:
    """Return the app; a registry or store that is not given is opened from the settings.

    Raises `HomeUnavailable` and `StoreUnavailable`. Champions are loaded when the app starts, not
    here.
    """
    home = open_home(settings)
    enable_kernel_cache(home)
    services = build_container(
        settings,
        registry or ModelRegistry(home.tracking_uri, settings.tenant),
        store or open_home_store(settings, home),
    )

    # FastAPI's own docs page loads its script from a CDN, which production networks often block.
    app = FastAPIOffline(
        title="Precedent",
        version="1",
        description=_DESCRIPTION,
        lifespan=_run_pollers,
        redoc_url=None,
        strict_content_type=False,
    )
    app.state.container = services
    app.add_middleware(
        BodyLimitMiddleware,
        max_bytes=settings.max_body_bytes,
        max_seconds=settings.body_seconds,
    )
    app.add_middleware(HostMiddleware, hosts=settings.hosts)
    app.add_middleware(OverloadMiddleware, lanes=services.lanes, routes=_json_routes())
    app.add_middleware(RequestLogMiddleware, metrics=services.metrics)
    app.exception_handler(PrecedentError)(answer_error)
    app.exception_handler(RequestValidationError)(answer_invalid)
    app.exception_handler(HTTPException)(answer_http_error)
    for routes in _ROUTES:
        app.include_router(routes)
    mount_page(app, services.store)
    return app


def _json_routes() -> list[JsonRoute]:
    return [route for routes in _ROUTES for route in routes.routes if isinstance(route, JsonRoute)]


@asynccontextmanager
async def _run_pollers(app: FastAPI) -> AsyncIterator[None]:
    services: Container = app.state.container
    with _on_stop_signal(services.request_stop):
        for poller in services.pollers:
            await asyncio.to_thread(poller.start)
        # What was loaded stays. Searched for garbage, it would delay requests by tenths of seconds.
        gc.freeze()
        yield
    services.request_stop()
    for poller in services.pollers:
        await asyncio.to_thread(poller.stop)
    services.store.close()


@contextmanager
def _on_stop_signal(request_stop: Callable[[], None]) -> Iterator[None]:
    """Call `request_stop` as soon as a signal stops the process, before requests have ended.

    Only the main thread may set handlers of signals; in another thread nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop_signals = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.getsignal(number) for number in stop_signals}

    def stop(number: int, frame: FrameType | None) -> None:
        request_stop()
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in stop_signals:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def app_from_environment() -> FastAPI:
    """Return the app that a worker process serves, with settings from the environment."""
    # A request waits for a thread that computes at most this long, each time it comes back from the
    # database; by default it would be 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    share_arenas()
    settings = ServingSettings()
    app = create_app(settings)
    home = open_home(settings)
    compile_in_background(home, enable_kernel_cache(home))
    return app

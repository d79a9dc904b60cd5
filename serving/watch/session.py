"""Watches metric series until the process receives SIGTERM or SIGINT."""

import logging.config
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from types import FrameType

import typer
from prometheus_client import start_http_server

from features.home import open_home
from features.store.store import Store
from models.base.series_model import SeriesModel
from models.timeseries.anomaly_model import TIERS, AnomalyModel, enable_kernel_cache
from serving.runtime.errors import CannotListen
from serving.runtime.json_logging import logging_config
from serving.runtime.settings import ServingSettings
from serving.startup import open_state
from serving.watch.alert_payload import AlertWriter, SuggestRunbook
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.clients.runbooks import RunbookAdvice
from serving.watch.config import MetricsAddress, WatchConfig
from serving.watch.lease import Lease
from serving.watch.loop import Watch
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import WatchRunner

_LEAST_LEASE_SECONDS = 30.0


def watch(config: WatchConfig, settings: ServingSettings) -> None:
    """Watch until SIGTERM or SIGINT, and expose the watch's own metrics.

    Raises `CannotListen`, and a `PrecedentError` if home or store cannot be used.
    """
    logging.config.dictConfig(logging_config(settings.log_level))
    stopping = _event_set_by_signals()
    metrics = WatchMetrics()
    with open_state(settings) as store, _serve_metrics(metrics, config.metrics) as address:
        enable_kernel_cache(open_home(settings))
        typer.echo(f"Precedent watches {_describe_size(config)}; its metrics: {address}")
        with _runbook_advice(config, settings) as suggest_runbook:
            run(config, store, metrics, stopping, suggest_runbook)


def run(
    config: WatchConfig,
    store: Store,
    metrics: WatchMetrics,
    stopping: Event,
    suggest_runbook: SuggestRunbook | None = None,
) -> None:
    """Watch according to the configuration until `stopping` is set."""
    seconds = _LEAST_LEASE_SECONDS + 2 * config.prometheus.timeout_seconds
    lease = Lease(store.leases, seconds)
    models: dict[str, SeriesModel] = {
        tier: AnomalyModel(tier=tier, step_seconds=config.step_seconds) for tier in TIERS
    }
    with ExitStack() as open_clients:
        prometheus, alertmanager = _open_clients(config, open_clients)

        def open_session() -> WatchRunner:
            return WatchRunner(
                config,
                models=models,
                store=store,
                lease=lease,
                prometheus=prometheus,
                alertmanager=alertmanager,
                writer=AlertWriter(
                    prometheus_url=config.prometheus.url,
                    step_seconds=config.step_seconds,
                    link=config.link,
                    suggest_runbook=suggest_runbook,
                ),
                metrics=metrics,
                clock=time.time,
            )

        Watch(open_session, lease=lease, metrics=metrics, clock=time.time).run(stopping)


def _open_clients(
    config: WatchConfig, open_clients: ExitStack
) -> tuple[PrometheusClient, AlertmanagerClient | None]:
    server = config.prometheus.client()
    prometheus = open_clients.enter_context(closing(PrometheusClient(server, config.max_series)))
    if config.alertmanager is None:
        return prometheus, None
    alertmanager = AlertmanagerClient(config.alertmanager.client())
    return prometheus, open_clients.enter_context(closing(alertmanager))


@contextmanager
def _runbook_advice(
    config: WatchConfig, settings: ServingSettings
) -> Iterator[SuggestRunbook | None]:
    if config.link is None:
        yield None
        return
    key = settings.api_key.get_secret_value() if settings.api_key else None
    with closing(RunbookAdvice(config.link, key)) as advice:
        yield advice


@contextmanager
def _serve_metrics(metrics: WatchMetrics, address: MetricsAddress) -> Iterator[str]:
    try:
        server, _ = start_http_server(address.port, address.host, metrics.registry)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {address.host} port {address.port} ({error.strerror}); "
            "stop the program that uses the port, or choose another port under metrics in the file"
        ) from error
    try:
        yield f"http://{address.host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def _event_set_by_signals() -> Event:
    stopping = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _describe_size(config: WatchConfig) -> str:
    queries = len(list(config.queries()))
    return f"{queries} queries" if queries != 1 else "1 query"

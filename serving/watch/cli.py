"""`python -m serving watch`: watches until it is stopped, or says in one line why it cannot."""

import logging.config
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import typer
from prometheus_client import start_http_server

from features.home import open_home
from features.store.store import Store
from models.base.series_model import SeriesModel
from models.timeseries.anomaly_model import TIERS, AnomalyModel, enable_kernel_cache
from serving.runtime.errors import BadWatchConfig
from serving.runtime.json_logging import logging_config
from serving.runtime.settings import ServingSettings
from serving.startup import open_state, read_settings, refuse
from serving.watch.alert_payload import AlertWriter, SuggestRunbook
from serving.watch.clients.alertmanager import AlertmanagerClient
from serving.watch.clients.http import HttpClient
from serving.watch.clients.prometheus import PrometheusClient
from serving.watch.clients.runbooks import RunbookAdvice
from serving.watch.config import MetricsAddress, WatchConfig, load_config
from serving.watch.lease import Lease
from serving.watch.loop import Watch
from serving.watch.metrics import WatchMetrics
from serving.watch.runner import WatchRunner

_LEAST_LEASE_SECONDS = 30.0


def watch(
    config: Annotated[Path, typer.Option(help="YAML file that says what to watch.")],
) -> None:
    """Watch metric series in Prometheus and tell Alertmanager of anomalies, until stopped."""
    try:
        wanted = load_config(config)
    except BadWatchConfig as error:
        refuse(str(error))
    settings = read_settings()
    logging.config.dictConfig(logging_config(settings.log_level))
    stopping = _stopped_by_signals()
    metrics = WatchMetrics()
    with open_state(settings) as store, _exposed(metrics, wanted.metrics) as address:
        enable_kernel_cache(open_home(settings))
        typer.echo(f"Precedent watches {_count(wanted)}; its metrics: {address}")
        with _advice(wanted, settings) as suggest_runbook:
            run(wanted, store, metrics, stopping, suggest_runbook)


def run(
    config: WatchConfig,
    store: Store,
    metrics: WatchMetrics,
    stopping: Event,
    suggest_runbook: SuggestRunbook | None = None,
) -> None:
    """Watch as the config says until told to stop."""
    seconds = _LEAST_LEASE_SECONDS + 2 * config.prometheus.timeout_seconds
    lease = Lease(store.leases, seconds)
    models: dict[str, SeriesModel] = {
        tier: AnomalyModel(tier=tier, step_seconds=config.step_seconds) for tier in TIERS
    }
    with ExitStack() as open_clients:
        prometheus, alertmanager = _clients(config, open_clients)

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


def _clients(
    config: WatchConfig, opened: ExitStack
) -> tuple[PrometheusClient, AlertmanagerClient | None]:
    asked = HttpClient(config.prometheus.url, config.prometheus.timeout_seconds)
    prometheus = opened.enter_context(closing(PrometheusClient(asked, config.max_series)))
    if config.alertmanager is None:
        return prometheus, None
    told = HttpClient(config.alertmanager.url, config.alertmanager.timeout_seconds)
    return prometheus, opened.enter_context(closing(AlertmanagerClient(told)))


@contextmanager
def _advice(config: WatchConfig, settings: ServingSettings) -> Iterator[SuggestRunbook | None]:
    if config.link is None:
        yield None
        return
    key = settings.api_key.get_secret_value() if settings.api_key else None
    with closing(RunbookAdvice(config.link, key)) as advice:
        yield advice


@contextmanager
def _exposed(metrics: WatchMetrics, where: MetricsAddress) -> Iterator[str]:
    try:
        server, _ = start_http_server(where.port, where.host, metrics.registry)
    except OSError as error:
        refuse(
            f"cannot listen on {where.host} port {where.port} ({error.strerror}); "
            "stop what uses it, or choose another under metrics in the file"
        )
    try:
        yield f"http://{where.host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def _stopped_by_signals() -> Event:
    stopping = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _count(config: WatchConfig) -> str:
    queries = len(list(config.queries()))
    return f"{queries} queries" if queries != 1 else "1 query"

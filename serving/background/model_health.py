"""Whether the models are still right, as far as production shows it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from features.domain.monitoring import MonitoringReport
from features.store.store import Store
from serving.background.certificates import AuditedLabel, CertificatePoller
from serving.background.champions import Champions
from serving.background.poller import Poller

_SECONDS_KEPT = 30.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a challenger and the champion gave the same label; None of no answer.

    Of those that have a label by now, `labelled`, each was right on a share of its own.
    """

    incidents: int
    share: float | None
    labelled: int = 0
    accuracy: float | None = None
    champion_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """What the audit sample shows of each label, and what the last monitoring found."""

    audited: tuple[AuditedLabel, ...] = ()
    monitoring: MonitoringReport | None = None


class ModelHealthPoller(Poller):
    """Keeps `model_health` up to date, so that no scrape and no page has to read it all."""

    failure = "how the models stand cannot be read"

    def __init__(self, store: Store, certificates: CertificatePoller, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "model_health", patience_seconds=0)
        self._store = store
        self._certificates = certificates
        self._model_health = ModelHealth()
        self._agreements: dict[tuple[str, str], tuple[float, Agreement]] = {}
        self._counting = Lock()

    @property
    def model_health(self) -> ModelHealth:
        """What is known now."""
        return self._model_health

    def _poll(self) -> None:
        self._model_health = ModelHealth(
            self._certificates.withdraw_disproved(), self._store.monitoring_reports.latest()
        )

    def agreement(self, target: str, version: str) -> Agreement:
        """Return how often a challenger agreed so far, as of some seconds ago at most.

        Raises `StoreUnavailable`.
        """
        with self._counting:
            counted_at, known = self._agreements.get((target, version), (0.0, None))
            if known is None or time.monotonic() - counted_at > _SECONDS_KEPT:
                known = self._count(target, version)
                self._agreements[target, version] = (time.monotonic(), known)
        return known

    def _count(self, target: str, version: str) -> Agreement:
        pairs = self._store.shadow_predictions.pairs(target, version)
        labelled = [pair for pair in pairs if pair.truth is not None]
        return Agreement(
            len(pairs),
            _share([pair.label == pair.champion_label for pair in pairs]),
            len(labelled),
            _share([pair.label == pair.truth for pair in labelled]),
            _share([pair.champion_label == pair.truth for pair in labelled]),
        )


def _share(said: Sequence[bool]) -> float | None:
    return sum(said) / len(said) if said else None


class ChampionCollector(Collector):
    """Tells Prometheus which versions answer."""

    def __init__(self, champions: Callable[[], Champions]) -> None:
        self._champions = champions

    def collect(self) -> Iterator[Metric]:
        """Return one gauge for each champion."""
        found = InfoMetricFamily("precedent_champion", "Versions that answer", labels=["target"])
        for target, champion in self._champions().serving.items():
            found.add_metric([target], {"version": champion.version.version})
        yield found


class ModelHealthCollector(Collector):
    """Tells Prometheus how the models stand."""

    def __init__(self, poller: ModelHealthPoller, certificates: CertificatePoller) -> None:
        self._poller = poller
        self._certificates = certificates

    def collect(self) -> Iterator[Metric]:
        """Return the gauges of the moment."""
        model_health = self._poller.model_health
        yield from _audited(model_health.audited)
        yield self._withdrawn()
        if model_health.monitoring is not None:
            yield from _monitored(model_health.monitoring)

    def _withdrawn(self) -> Metric:
        found = GaugeMetricFamily(
            "precedent_withdrawn_certificate",
            "Labels that a version answers as suggest since the audit disproved its certificate",
            labels=["target", "version", "label"],
        )
        for key in sorted(self._certificates.withdrawn):
            found.add_metric(key, 1)
        return found


def _audited(audited: tuple[AuditedLabel, ...]) -> Iterator[Metric]:
    precision = GaugeMetricFamily(
        "precedent_audited_precision",
        "Precision of auto answers by the audit sample; low and high hold at all times at once",
        labels=["target", "label", "bound"],
    )
    answers = GaugeMetricFamily(
        "precedent_audited_answers",
        "Audited answers that a person has decided",
        labels=["target", "label"],
    )
    for one in audited:
        bounds = {"estimate": one.estimate, "low": one.bounds.low, "high": one.bounds.high}
        for bound, value in bounds.items():
            precision.add_metric([one.target, one.label, bound], value)
        answers.add_metric([one.target, one.label], one.bounds.n)
    yield from (precision, answers)


def _monitored(monitoring: MonitoringReport) -> Iterator[Metric]:
    at = GaugeMetricFamily("precedent_monitoring_timestamp_seconds", "Time of the last monitoring")
    at.add_metric([], monitoring.at.timestamp())
    measures = GaugeMetricFamily(
        "precedent_monitoring_measure",
        "What the last monitoring measured",
        labels=["measure", "target", "label"],
    )
    # Two of one name would make the whole scrape invalid.
    values = {
        (one.name, one.target or "", one.label or ""): one.value for one in monitoring.measures
    }
    for key, value in values.items():
        measures.add_metric(key, value)
    alarms = GaugeMetricFamily(
        "precedent_monitoring_alarms",
        "Alarms that the last monitoring raised",
        labels=["signal", "target"],
    )
    raised = Counter((alarm.signal, alarm.target or "") for alarm in monitoring.alarms)
    # Without one a query over it would find nothing, and an alert on it could not tell why.
    for signal, count in (raised or {("", ""): 0}).items():
        alarms.add_metric(signal, count)
    yield from (at, measures, alarms)

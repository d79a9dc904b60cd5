"""The accuracy of the models in production, for the page and for Prometheus."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from features.domain.monitoring import MonitoringReport
from features.store.store import Store
from models.lifecycle.automatic_acts import AutomaticActs, measure_acts
from serving.background.certificates import AuditedLabel, CertificatePoller
from serving.background.champions import Champions
from serving.background.poller import Poller

_SECONDS_KEPT = 30.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a challenger gave the same label as the champion.

    `incidents` counts the incidents that both answered; `share` is the share with equal labels.
    `labelled` counts the incidents whose correct label is known by now. `accuracy` is the share of
    these labelled incidents that the challenger answered correctly, and `champion_accuracy` the
    share that the champion answered correctly. A share of no incidents is None.
    """

    incidents: int
    share: float | None
    labelled: int = 0
    accuracy: float | None = None
    champion_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """The automatic acts, the audited labels, and the report of the last monitoring."""

    acts: AutomaticActs = field(default_factory=AutomaticActs)
    audited: tuple[AuditedLabel, ...] = ()
    monitoring: MonitoringReport | None = None


class ModelHealthPoller(Poller):
    """Keeps `model_health` up to date, so that scrapes do not read the store."""

    failure = "the health of the models cannot be read"

    def __init__(self, store: Store, certificates: CertificatePoller, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "model_health", patience_seconds=0)
        self._store = store
        self._certificates = certificates
        self._model_health = ModelHealth()
        self._agreements: dict[tuple[str, str], tuple[float, Agreement]] = {}
        self._counting = Lock()

    @property
    def model_health(self) -> ModelHealth:
        """The health as of the last poll."""
        return self._model_health

    def _poll(self) -> None:
        self._model_health = ModelHealth(
            measure_acts(self._store),
            self._certificates.withdraw_disproved(),
            self._store.monitoring_reports.latest(),
        )

    def agreement(self, target: str, version: str) -> Agreement:
        """Return the agreement of a challenger so far, counted at most 30 seconds ago.

        Raises `StoreUnavailable`.
        """
        with self._counting:
            counted_at, agreement = self._agreements.get((target, version), (0.0, None))
            if agreement is None or time.monotonic() - counted_at > _SECONDS_KEPT:
                agreement = self._count(target, version)
                self._agreements[target, version] = (time.monotonic(), agreement)
        return agreement

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


def _share(matches: Sequence[bool]) -> float | None:
    return sum(matches) / len(matches) if matches else None


class ChampionCollector(Collector):
    """Exports to Prometheus which versions answer."""

    def __init__(self, champions: Callable[[], Champions]) -> None:
        self._champions = champions

    def collect(self) -> Iterator[Metric]:
        """Yield one metric with the version of each champion."""
        info = InfoMetricFamily("precedent_champion", "Versions that answer", labels=["target"])
        for target, champion in self._champions().serving.items():
            info.add_metric([target], {"version": champion.version.version})
        yield info


class ModelHealthCollector(Collector):
    """Exports the health of the models to Prometheus."""

    def __init__(self, poller: ModelHealthPoller, certificates: CertificatePoller) -> None:
        self._poller = poller
        self._certificates = certificates

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges of this moment."""
        model_health = self._poller.model_health
        yield from _acts(model_health.acts)
        yield from _audited(model_health.audited)
        yield self._withdrawn()
        if model_health.monitoring is not None:
            yield from _monitored(model_health.monitoring)

    def _withdrawn(self) -> Metric:
        gauge = GaugeMetricFamily(
            "precedent_withdrawn_certificate",
            "Labels that a version answers as suggest since the audit disproved its certificate",
            labels=["target", "version", "label"],
        )
        for key in sorted(self._certificates.withdrawn):
            gauge.add_metric(key, 1)
        return gauge


def _acts(acts: AutomaticActs) -> Iterator[Metric]:
    wrong = GaugeMetricFamily(
        "precedent_wrong_acts_per_1000_incidents",
        "Wrong automatic acts per 1,000 incidents of the last 90 days, by the audit sample",
        labels=["bound"],
    )
    if acts.wrong_per_1000 is not None:
        wrong.add_metric(["estimate"], acts.wrong_per_1000)
    wrong.add_metric(["high"], acts.high_per_1000)
    share = GaugeMetricFamily(
        "precedent_auto_incidents_share",
        "Share of the incidents of the last 90 days on which an answer was acted on",
    )
    share.add_metric([], acts.auto_share)
    checked = GaugeMetricFamily(
        "precedent_checked_acts", "Audited acts of the last 90 days that a person has decided"
    )
    checked.add_metric([], acts.checked)
    yield from (wrong, share, checked)


def _audited(audited: tuple[AuditedLabel, ...]) -> Iterator[Metric]:
    precision = GaugeMetricFamily(
        "precedent_audited_precision",
        "Precision of auto answers by the audit sample; low and high stay valid however often read",
        labels=["target", "label", "bound"],
    )
    answers = GaugeMetricFamily(
        "precedent_audited_answers",
        "Audited answers that a person has decided",
        labels=["target", "label"],
    )
    for label in audited:
        bounds = {"estimate": label.estimate, "low": label.bounds.low, "high": label.bounds.high}
        for bound, value in bounds.items():
            precision.add_metric([label.target, label.label, bound], value)
        answers.add_metric([label.target, label.label], label.bounds.n)
    yield from (precision, answers)


def _monitored(monitoring: MonitoringReport) -> Iterator[Metric]:
    time_ = GaugeMetricFamily(
        "precedent_monitoring_timestamp_seconds", "Time of the last monitoring"
    )
    time_.add_metric([], monitoring.at.timestamp())
    measures = GaugeMetricFamily(
        "precedent_monitoring_measure",
        "What the last monitoring measured",
        labels=["measure", "target", "label"],
    )
    # A dict, because two samples with the same labels would make the whole scrape invalid.
    values = {
        (measure.name, measure.target or "", measure.label or ""): measure.value
        for measure in monitoring.measures
    }
    for key, value in values.items():
        measures.add_metric(key, value)
    alarms = GaugeMetricFamily(
        "precedent_monitoring_alarms",
        "Alarms that the last monitoring raised",
        labels=["signal", "target"],
    )
    raised = Counter((alarm.signal, alarm.target or "") for alarm in monitoring.alarms)
    # Without alarms, 0 is exported, so that alert rules can tell zero alarms from a missing metric.
    for labels, count in (raised or {("", ""): 0}).items():
        alarms.add_metric(labels, count)
    yield from (time_, measures, alarms)

"""The changes and unusual series around an incident, as its page shows them."""

from dataclasses import dataclass
from math import isfinite

from features.domain.report import IncidentReport
from features.formatting import figure
from serving.container import Container
from serving.pages.render.series_chart import Chart, draw
from serving.services.context_ranking import RelatedAnomaly, RelatedChange

_MOST_CHANGES = 10
_MOST_SERIES = 6


@dataclass(frozen=True, slots=True)
class UnusualSeries:
    """An unusual series, with a chart if there are points to draw."""

    anomaly: RelatedAnomaly
    chart: Chart | None

    @property
    def effect(self) -> str:
        """The value, the expected value and the mean deviation in words, in the series' units."""
        anomaly, unit = self.anomaly, f" {self.anomaly.unit}" if self.anomaly.unit else ""
        if not all(map(isfinite, (anomaly.value, anomaly.expected, anomaly.effect))):
            return "no values arrived" if anomaly.direction == "gap" else "unusual values"
        sizes = f"{figure(anomaly.value)}{unit} where {figure(anomaly.expected)}{unit} was expected"
        side = "more" if anomaly.effect >= 0 else "less"
        return f"{sizes}, {figure(abs(anomaly.effect))}{unit} {side} on average"


@dataclass(frozen=True, slots=True)
class ContextView:
    """The changes before an incident and the unusual series around it, the likeliest cause first.

    `changes` is None if no change is stored. `series` is None if neither an anomaly nor a watched
    series is stored.
    """

    changes: tuple[RelatedChange, ...] | None
    series: tuple[UnusualSeries, ...] | None

    @property
    def is_known(self) -> bool:
        """Whether any change, anomaly or watched series is stored."""
        return self.changes is not None or self.series is not None


def view_context(services: Container, report: IncidentReport) -> ContextView:
    """Return the context of an incident with charts; raises `StoreUnavailable`."""
    context = services.incident_context.context_of(report)
    changes = None if context.changes is None else context.changes[:_MOST_CHANGES]
    if context.anomalies is None:
        return ContextView(changes, None)
    numbered = [(number, change.at) for number, change in enumerate(changes or (), 1)]
    anomalies = context.anomalies[:_MOST_SERIES]
    stored = services.store.anomalies.find([anomaly.id for anomaly in anomalies])
    series = tuple(
        UnusualSeries(anomaly, draw(stored[anomaly.id], numbered) if anomaly.id in stored else None)
        for anomaly in anomalies
    )
    return ContextView(changes, series)

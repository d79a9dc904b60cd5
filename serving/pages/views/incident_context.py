"""What changed and what moved around an incident, as its page shows it."""

from dataclasses import dataclass
from math import isfinite

from features.domain.report import IncidentReport
from serving.container import Container
from serving.pages.render.number_filters import figure
from serving.pages.render.series_chart import Chart, draw
from serving.services.context_ranking import RelatedAnomaly, RelatedChange

_MOST_CHANGES = 10
_MOST_SERIES = 6


@dataclass(frozen=True, slots=True)
class MovedSeries:
    """A series that was out of line, with its picture where there are points to draw."""

    anomaly: RelatedAnomaly
    chart: Chart | None

    @property
    def effect(self) -> str:
        """How far it was out of line, in its own units."""
        found, unit = self.anomaly, f" {self.anomaly.unit}" if self.anomaly.unit else ""
        if not all(map(isfinite, (found.value, found.expected, found.effect))):
            return "no values came" if found.direction == "gap" else f"out of line: {found.channel}"
        sizes = f"{figure(found.value)}{unit} where {figure(found.expected)}{unit} was expected"
        side = "more" if found.effect >= 0 else "less"
        return f"{sizes}, {figure(abs(found.effect))}{unit} {side} on average"


@dataclass(frozen=True, slots=True)
class ContextView:
    """The changes before an incident and the series around it, likeliest first; None: unknown."""

    changes: tuple[RelatedChange, ...] | None
    series: tuple[MovedSeries, ...] | None

    @property
    def is_known(self) -> bool:
        """Whether anything is recorded that could be shown."""
        return self.changes is not None or self.series is not None


def view_context(services: Container, report: IncidentReport) -> ContextView:
    """Return what lies around an incident, with pictures; raises `StoreUnavailable`."""
    found = services.incident_context.around(report)
    changes = None if found.changes is None else found.changes[:_MOST_CHANGES]
    if found.anomalies is None:
        return ContextView(changes, None)
    numbered = [(number, change.at) for number, change in enumerate(changes or (), 1)]
    shown = found.anomalies[:_MOST_SERIES]
    whole = services.store.telemetry.find_anomalies([each.id for each in shown])
    series = tuple(
        MovedSeries(each, draw(whole[each.id], numbered) if each.id in whole else None)
        for each in shown
    )
    return ContextView(changes, series)

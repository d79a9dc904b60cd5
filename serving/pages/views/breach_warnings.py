"""The warnings of breaches above the inbox, each with its chart."""

from dataclasses import dataclass

from features.domain.telemetry.breach_warning import BreachWarning
from serving.container import Container
from serving.pages.render.breach_chart import BreachChart, draw_breach


@dataclass(frozen=True, slots=True)
class DrawnWarning:
    """A warning, with a chart if there are points to draw."""

    warning: BreachWarning
    chart: BreachChart | None


def open_warnings(services: Container) -> tuple[DrawnWarning, ...]:
    """Return the warnings that last, the soonest first; raises `StoreUnavailable`."""
    return tuple(
        DrawnWarning(warning, draw_breach(warning))
        for warning in services.store.breach_warnings.open()
    )

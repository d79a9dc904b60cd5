"""What was known when an incident opened, beyond its report: the load, and how precedents went."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.domain.report import IncidentReport


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """How many incidents were open at a moment: in all, and of one service.

    `arrivals` counts the incidents that opened in the 24 hours before.
    """

    total: int
    of_service: int
    arrivals: int


@dataclass(frozen=True, slots=True)
class Precedents:
    """How incidents went that were resolved before a moment, the latest of them.

    `count` is their number. `log_hours` is the mean logarithm of the hours until they were
    resolved, `missed` and `reassigned` are the shares that missed their target time and that were
    reassigned; each is None where no precedent tells.
    """

    count: int
    log_hours: float | None = None
    missed: float | None = None
    reassigned: float | None = None


@dataclass(frozen=True, slots=True)
class OpeningContext:
    """An incident's report, with what else was known when it opened.

    It holds nothing of the incident's own outcome, and nothing of what was resolved later.
    `open_counts` is None where the times are not known. `precedents_as_of` has the precedents that
    share a fact with the report, by the name of the fact (`service`, `source` or the name of an
    attribute), and under the empty name all of them.

    >>> OpeningContext(IncidentReport("INC1", service="vpn")).open_counts is None
    True
    """

    report: IncidentReport
    open_counts: OpenCounts | None = None
    precedents_as_of: Mapping[str, Precedents] = field(default_factory=dict)


def facts_of(report: IncidentReport) -> dict[str, str]:
    """Return the service, the source and the attributes that have a value, in lower case.

    >>> facts_of(IncidentReport("INC1", service="VPN", attributes={"site": "Graz", "team": ""}))
    {'service': 'vpn', 'site': 'graz'}
    """
    facts = {"service": report.service, "source": report.source, **report.attributes}
    return {name: value.lower() for name, value in facts.items() if value}

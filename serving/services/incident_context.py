"""What changed and what moved around the opening of incidents, looked up when it is asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from features.domain.change import Change
from features.domain.report import IncidentReport
from features.domain.series_anomaly import SeriesAnomaly
from features.domain.topology import Topology
from features.store.store import Store
from serving.schemas.requests import AnswerPart
from serving.services.context_ranking import (
    RelatedAnomaly,
    RelatedChange,
    ServiceNeighbourhood,
    rank_anomalies,
    rank_changes,
)
from serving.services.triage import CONTEXT_PARTS

CHANGES_WITHIN = timedelta(hours=24)
ONSETS_BEFORE = timedelta(hours=2)
ONSETS_AFTER = timedelta(minutes=30)
_LONGEST_LASTING = timedelta(hours=24)
MOST_WEIGHED = 300
"""Of more changes, the latest of a service are weighed, or of all where no service is named."""

_NO_TELEMETRY = "no telemetry is watched; run python -m serving watch --config FILE"
_NO_CHANGES = "no change was recorded; send them to POST /v1/changes"


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """What lies around one incident, likeliest first; None where `absent` tells why."""

    changes: tuple[RelatedChange, ...] | None = None
    anomalies: tuple[RelatedAnomaly, ...] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)


class IncidentContextService:
    """Looks around incidents; a batch costs as many queries as one. Raises `StoreUnavailable`."""

    def __init__(self, store: Store, topology: Callable[[], Topology]) -> None:
        self._store = store
        self._topology = topology

    def around(self, report: IncidentReport) -> IncidentContext:
        """Return what lies around one incident; without a time of opening, around now."""
        return self.contexts_for([report])[0]

    def contexts_for(
        self, reports: Sequence[IncidentReport], parts: Collection[AnswerPart] = CONTEXT_PARTS
    ) -> tuple[IncidentContext, ...]:
        """Return what lies around each incident, in order; parts not asked for are None."""
        wanted = CONTEXT_PARTS.intersection(parts)
        if not wanted or not reports:
            return (IncidentContext(),) * len(reports)
        recorded = self._store.telemetry.recorded()
        known = {"anomalies": recorded.anomalies, "changes": recorded.changes}
        reasons: dict[AnswerPart, str] = {"anomalies": _NO_TELEMETRY, "changes": _NO_CHANGES}
        absent: dict[str, str] = {part: reasons[part] for part in sorted(wanted) if not known[part]}
        if not any(known.values()):
            return (IncidentContext(absent=absent),) * len(reports)
        scene = self._scene(reports)
        return tuple(
            IncidentContext(
                scene.changes(report) if "changes" in wanted - absent.keys() else None,
                scene.anomalies(report) if "anomalies" in wanted - absent.keys() else None,
                absent,
            )
            for report in reports
        )

    def _scene(self, reports: Sequence[IncidentReport]) -> "_ContextData":
        now, topology = datetime.now(UTC), self._topology()
        openings = [report.opened_at or now for report in reports]
        first, last = min(openings), max(openings)
        nearby = {
            service: ServiceNeighbourhood(service, topology)
            for service in {each.service for each in reports}
        }
        keys = {key for near in nearby.values() for key in near.keys}
        services = {name for key in keys for name in topology.names(key)}
        changes = self._store.changes.between(
            shifted(first, -CHANGES_WITHIN), last, None if None in nearby else services
        )
        anomalies = self._store.anomalies.between(
            shifted(first, -ONSETS_BEFORE), shifted(last, ONSETS_AFTER), with_points=False
        )
        return _ContextData(changes, anomalies, nearby, topology, now)


class _ContextData:
    """All that was read for a request, in an order that finds the part of one incident fast."""

    def __init__(
        self,
        changes: Iterable[Change],
        anomalies: Sequence[SeriesAnomaly],
        nearby: Mapping[str | None, ServiceNeighbourhood],
        topology: Topology,
        now: datetime,
    ) -> None:
        self._nearby = nearby
        self._now = now
        self._all = list(changes)
        self._changes: dict[str, list[Change]] = {}
        for change in self._all:
            if change.service is not None:
                self._changes.setdefault(topology.key(change.service), []).append(change)
        self._anomalies = anomalies
        self._onsets = [anomaly.onset_at for anomaly in anomalies]

    def anomalies(self, report: IncidentReport) -> tuple[RelatedAnomaly, ...]:
        opened_at = report.opened_at or self._now
        around = list(self._around(opened_at))
        return rank_anomalies(around, self._nearby[report.service], opened_at)

    def changes(self, report: IncidentReport) -> tuple[RelatedChange, ...]:
        opened_at, nearby = report.opened_at or self._now, self._nearby[report.service]
        found = list(self._before(opened_at, nearby, is_anywhere=report.service is None))
        around = list(self._around(opened_at)) if found else []
        return rank_changes(found, around, nearby, opened_at)

    def _before(
        self, opened_at: datetime, nearby: ServiceNeighbourhood, *, is_anywhere: bool
    ) -> Iterator[Change]:
        known = (self._changes.get(key, []) for key in nearby.keys)
        for changes in (self._all,) if is_anywhere else known:
            start = bisect_left(changes, shifted(opened_at, -CHANGES_WITHIN), key=_at)
            end = bisect_right(changes, opened_at, key=_at)
            yield from changes[max(start, end - MOST_WEIGHED) : end]

    def _around(self, opened_at: datetime) -> Iterator[SeriesAnomaly]:
        """Yield what began shortly before or after the opening, or still lasted then."""
        first = bisect_left(self._onsets, shifted(opened_at, -_LONGEST_LASTING))
        last = bisect_right(self._onsets, shifted(opened_at, ONSETS_AFTER))
        start = shifted(opened_at, -ONSETS_BEFORE)
        for anomaly in self._anomalies[first:last]:
            is_on = anomaly.ended_at is None or anomaly.ended_at >= opened_at
            if anomaly.onset_at >= start or is_on:
                yield anomaly


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return a moment some time away, or itself at the ends of the calendar."""
    try:
        return moment + by
    except OverflowError:
        return moment


def _at(change: Change) -> datetime:
    return change.at

"""Looks up the changes and anomalies around the opening of incidents."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from features.domain.alerts.alert import OTHER_SERVICES, listed_services
from features.domain.report import IncidentReport
from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly
from features.domain.telemetry.topology import Topology
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
"""At most this many of the latest changes are ranked for each related service.

If the incident names no service, at most this many of all changes are ranked.
"""

_NO_TELEMETRY = "no telemetry is watched; run precedent watch --config FILE"
_NO_CHANGES = "no change was recorded; send them to POST /v1/changes"


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """The context of one incident, the likeliest cause first.

    `absent` says why a requested part is None.
    """

    changes: tuple[RelatedChange, ...] | None = None
    anomalies: tuple[RelatedAnomaly, ...] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)


class IncidentContextService:
    """Looks up the context of incidents; a batch needs as many queries as one incident.

    Its methods raise `StoreUnavailable`.
    """

    def __init__(self, store: Store, topology: Callable[[], Topology]) -> None:
        self._store = store
        self._topology = topology

    def context_of(self, report: IncidentReport) -> IncidentContext:
        """Return the context of one incident; if its opening time is unknown, it opens now."""
        return self.contexts_for([report])[0]

    def contexts_for(
        self, reports: Sequence[IncidentReport], parts: Collection[AnswerPart] = CONTEXT_PARTS
    ) -> tuple[IncidentContext, ...]:
        """Return the context of each incident, in order; parts that were not requested are None."""
        requested = CONTEXT_PARTS.intersection(parts)
        if not requested or not reports:
            return (IncidentContext(),) * len(reports)
        with self._store.one_state():
            return self._contexts_for(reports, requested)

    def _contexts_for(
        self, reports: Sequence[IncidentReport], requested: Collection[AnswerPart]
    ) -> tuple[IncidentContext, ...]:
        recorded = self._store.telemetry.recorded()
        is_recorded = {"anomalies": recorded.anomalies, "changes": recorded.changes}
        reasons: dict[AnswerPart, str] = {"anomalies": _NO_TELEMETRY, "changes": _NO_CHANGES}
        absent: dict[str, str] = {
            part: reasons[part] for part in sorted(requested) if not is_recorded[part]
        }
        if not any(is_recorded.values()):
            return (IncidentContext(absent=absent),) * len(reports)
        data = self._read(reports)
        return tuple(
            IncidentContext(
                data.changes(report) if "changes" in requested - absent.keys() else None,
                data.anomalies(report) if "anomalies" in requested - absent.keys() else None,
                absent,
            )
            for report in reports
        )

    def _read(self, reports: Sequence[IncidentReport]) -> "_ContextData":
        now, topology = datetime.now(UTC), self._topology()
        openings = [report.opened_at or now for report in reports]
        first, last = min(openings), max(openings)
        nearby = {
            services: ServiceNeighbourhood(services, topology)
            for services in set(map(services_of, reports))
        }
        keys = {key for neighbourhood in nearby.values() for key in neighbourhood.keys}
        services = {name for key in keys for name in topology.names(key)}
        changes = self._store.changes.between(
            shifted(first, -CHANGES_WITHIN), last, None if () in nearby else services
        )
        anomalies = self._store.anomalies.between(
            shifted(first, -ONSETS_BEFORE), shifted(last, ONSETS_AFTER), with_points=False
        )
        return _ContextData(changes, anomalies, nearby, topology, now)


class _ContextData:
    """The changes and anomalies of a request, sorted for fast look-up by incident."""

    def __init__(
        self,
        changes: Iterable[Change],
        anomalies: Sequence[SeriesAnomaly],
        nearby: Mapping[tuple[str, ...], ServiceNeighbourhood],
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
        anomalies = list(self._anomalies_around(opened_at))
        return rank_anomalies(anomalies, self._nearby[services_of(report)], opened_at)

    def changes(self, report: IncidentReport) -> tuple[RelatedChange, ...]:
        opened_at = report.opened_at or self._now
        nearby = self._nearby[services_of(report)]
        changes = list(self._changes_before(opened_at, nearby, is_anywhere=not nearby.keys))
        anomalies = list(self._anomalies_around(opened_at)) if changes else []
        return rank_changes(changes, anomalies, nearby, opened_at)

    def _changes_before(
        self, opened_at: datetime, nearby: ServiceNeighbourhood, *, is_anywhere: bool
    ) -> Iterator[Change]:
        by_service = (self._changes.get(key, []) for key in nearby.keys)
        for changes in (self._all,) if is_anywhere else by_service:
            start = bisect_left(changes, shifted(opened_at, -CHANGES_WITHIN), key=_at)
            end = bisect_right(changes, opened_at, key=_at)
            yield from changes[max(start, end - MOST_WEIGHED) : end]

    def _anomalies_around(self, opened_at: datetime) -> Iterator[SeriesAnomaly]:
        """Yield the anomalies around an opening.

        They began from two hours before the opening to 30 minutes after it, or they began in the 24
        hours before the opening and had not ended by then.
        """
        first = bisect_left(self._onsets, shifted(opened_at, -_LONGEST_LASTING))
        last = bisect_right(self._onsets, shifted(opened_at, ONSETS_AFTER))
        start = shifted(opened_at, -ONSETS_BEFORE)
        for anomaly in self._anomalies[first:last]:
            is_on = anomaly.ended_at is None or anomaly.ended_at >= opened_at
            if anomaly.onset_at >= start or is_on:
                yield anomaly


def services_of(report: IncidentReport) -> tuple[str, ...]:
    """Return the services that a report names: its own, then those of further alerts.

    >>> services_of(IncidentReport("1", service="a", attributes={"other_services": "b, c"}))
    ('a', 'b', 'c')
    """
    own = (report.service or "").strip()
    names = (own, *listed_services(report.attributes.get(OTHER_SERVICES, "")))
    return tuple(dict.fromkeys(name for name in names if name))


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return a moment plus a time span; if the result is out of range, the moment itself."""
    try:
        return moment + by
    except OverflowError:
        return moment


def _at(change: Change) -> datetime:
    return change.at

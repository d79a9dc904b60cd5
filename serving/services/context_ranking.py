"""Ranks what changed and what moved by how well it explains one incident. Knows no store."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.domain.change import Change
from features.domain.series_anomaly import SeriesAnomaly
from features.domain.topology import Topology

MOST_SHOWN = 20

# How likely a cause lies there, beside the service itself; of nothing known, one of many.
_SAME, _USED, _USING, _UNKNOWN, _ELSEWHERE = 1.0, 0.5, 0.25, 0.3, 0.05
_SAME_SERVICE = "same service"
_STRONG_ALARMS_PER_WEEK = 1.0
# Detectors place an onset some minutes off, and senders a change.
_SLACK = timedelta(minutes=5)
_SUPPORTED_WITHIN = timedelta(hours=1)
_TOGETHER = timedelta(minutes=30)
_FOLLOWS_WITHIN = timedelta(minutes=10)
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class RelatedChange:
    """A change before an incident, and why it may have to do with it."""

    id: str
    service: str | None
    at: datetime
    kind: str
    summary: str
    url: str | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelatedAnomaly:
    """A series that was out of line around an incident's opening, in the series' own units."""

    id: str
    series: str
    service: str | None
    unit: str | None
    onset_at: datetime
    ended_at: datetime | None
    effect: float
    expected: float
    value: float
    score: float
    alarms_per_week: float
    channel: str
    direction: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """How a service relates to that of an incident: a weight, and words where there are any."""

    weight: float
    words: str | None = None


class ServiceNeighbourhood:
    """The services around that of an incident; None is an incident that names none."""

    def __init__(self, service: str | None, topology: Topology) -> None:
        self._topology = topology
        self._elsewhere = Relation(_UNKNOWN if service is None else _ELSEWHERE)
        self._relations: dict[str, Relation] = {}
        self._keys: dict[str, str] = {}
        self.own_key = self.key(service)
        if service is not None and self.own_key is not None:
            self._relations[self.own_key] = Relation(_SAME, _SAME_SERVICE)
            for each in topology.neighbours(service):
                weight = _USED if each.is_used else _USING
                self._relations.setdefault(each.key, Relation(weight, each.relation))
        self.keys: Mapping[str, Relation] = self._relations

    def key(self, service: str | None) -> str | None:
        """Return the key of a service's name."""
        if service is None:
            return None
        key = self._keys.get(service)
        if key is None:
            key = self._keys[service] = self._topology.key(service)
        return key

    def relation(self, service: str | None) -> Relation:
        """Return how a service relates to the incident's."""
        return self._relations.get(self.key(service) or "", self._elsewhere)


class _Onsets:
    """The strong ones of the anomalies by service, each by onset, so that one is found fast."""

    def __init__(self, anomalies: Sequence[SeriesAnomaly], nearby: ServiceNeighbourhood) -> None:
        self._nearby = nearby
        self._by_key: dict[str | None, list[SeriesAnomaly]] = {}
        for one in anomalies:
            if one.alarms_per_week <= _STRONG_ALARMS_PER_WEEK:
                self._by_key.setdefault(nearby.key(one.service), []).append(one)
        self._own = next(iter(self._on(nearby.own_key)), None)

    def held_against(self, change: Change) -> SeriesAnomaly | None:
        """Return the first on the change's service that began with it or soon after, or the own."""
        there = self._on(self._nearby.key(change.service))
        first = bisect_left(there, -_SLACK, key=lambda one: one.onset_at - change.at)
        is_soon = first < len(there) and there[first].onset_at - change.at <= _SUPPORTED_WITHIN
        return there[first] if is_soon else self._own

    def _on(self, key: str | None) -> Sequence[SeriesAnomaly]:
        return () if key is None else self._by_key.get(key, ())


def rank_anomalies(
    anomalies: Sequence[SeriesAnomaly], nearby: ServiceNeighbourhood, opened_at: datetime
) -> tuple[RelatedAnomaly, ...]:
    """Return the series likeliest to be where it began first, each with its reasons.

    That is those of a service near the incident's, far out of line, and out of line shortly before
    it opened and before others were. `anomalies` are by onset.
    """
    recent = (one.onset_at for one in anomalies if opened_at - one.onset_at <= _TOGETHER)
    first_at = next(recent, opened_at)
    ranked = sorted(
        anomalies,
        key=lambda one: (-_anomaly_weight(one, nearby, opened_at, first_at), one.onset_at, one.id),
    )
    return tuple(_related_anomaly(one, nearby, opened_at) for one in ranked[:MOST_SHOWN])


def rank_changes(
    changes: Sequence[Change],
    anomalies: Sequence[SeriesAnomaly],
    nearby: ServiceNeighbourhood,
    opened_at: datetime,
) -> tuple[RelatedChange, ...]:
    """Return the changes likeliest to be the cause first, each with its reasons.

    A change counts the more the shorter it came before the onset: that of a series of its own
    service, else of the incident's service, else the opening. `anomalies` are by onset.
    """
    strong = _Onsets(anomalies, nearby)
    onsets = {change.id: strong.held_against(change) for change in changes}
    ranked = sorted(
        changes,
        key=lambda one: (
            -_change_weight(one, onsets[one.id], nearby, opened_at),
            opened_at - one.at,
        ),
    )
    return tuple(
        _related_change(one, onsets[one.id], nearby, opened_at) for one in ranked[:MOST_SHOWN]
    )


def _anomaly_weight(
    anomaly: SeriesAnomaly, nearby: ServiceNeighbourhood, opened_at: datetime, first_at: datetime
) -> float:
    early = (opened_at - _TOGETHER - anomaly.onset_at) / _TOGETHER
    late = (anomaly.onset_at - first_at) / _FOLLOWS_WITHIN
    closeness = 1 / (1 + early) if early > 0 else 0.5 ** max(0.0, late)
    strength = anomaly.score / (anomaly.score + 5) if anomaly.score > 0 else 0.0
    return nearby.relation(anomaly.service).weight * closeness * strength


def _change_weight(
    change: Change, onset: SeriesAnomaly | None, nearby: ServiceNeighbourhood, opened_at: datetime
) -> float:
    began_at = opened_at if onset is None else onset.onset_at
    minutes = (began_at - change.at).total_seconds() / 60
    if minutes >= 0:
        closeness = 5 / (5 + minutes)
    else:
        closeness = 0.5 if -minutes <= _SLACK.total_seconds() / 60 else 0.5 / (5 - minutes)
    is_supported = onset is not None and _is_on(onset, change, nearby)
    return nearby.relation(change.service).weight * closeness * (3 if is_supported else 1)


def _is_on(anomaly: SeriesAnomaly, change: Change, nearby: ServiceNeighbourhood) -> bool:
    key = nearby.key(change.service)
    return key is not None and nearby.key(anomaly.service) == key


def _related_anomaly(
    anomaly: SeriesAnomaly, nearby: ServiceNeighbourhood, opened_at: datetime
) -> RelatedAnomaly:
    relation = nearby.relation(anomaly.service).words
    timing = f"began {_between(anomaly.onset_at, opened_at)} it opened"
    return RelatedAnomaly(
        id=anomaly.id,
        series=anomaly.series,
        service=anomaly.service,
        unit=anomaly.unit,
        onset_at=anomaly.onset_at,
        ended_at=anomaly.ended_at,
        effect=anomaly.effect,
        expected=anomaly.expected,
        value=anomaly.value,
        score=anomaly.score,
        alarms_per_week=anomaly.alarms_per_week,
        channel=anomaly.channel,
        direction=anomaly.direction,
        why=(timing,) if relation is None else (relation, timing),
    )


def _related_change(
    change: Change, onset: SeriesAnomaly | None, nearby: ServiceNeighbourhood, opened_at: datetime
) -> RelatedChange:
    relation = nearby.relation(change.service).words
    if onset is None:
        timing = f"{_between(change.at, opened_at)} it opened"
    else:
        named = onset.series[:_LONGEST_NAME]
        timing = f"{_between(change.at, onset.onset_at)} the onset of {named}"
    return RelatedChange(
        id=change.id,
        service=change.service,
        at=change.at,
        kind=change.kind,
        summary=change.summary,
        url=change.url,
        why=(timing,) if relation is None else (relation, timing),
    )


def _between(moment: datetime, other: datetime) -> str:
    """Return where a moment lies from another, such as `4 min before`."""
    seconds = (other - moment).total_seconds()
    side = "before" if seconds >= 0 else "after"
    minutes = round(abs(seconds) / 60)
    if minutes == 0:
        return f"less than a minute {side}"
    spoken = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
    return f"{spoken} {side}"

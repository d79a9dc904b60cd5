"""Ranks changes and anomalies by how likely they are the cause of an incident."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly
from features.domain.telemetry.topology import Topology

MOST_SHOWN = 20

# How likely the cause is in a service, relative to the incident's own service. In this order: the
# own service, the service of another alert, a service that one of these depends on, a service that
# depends on one of them, any service if the incident names none, and any other service.
_SAME, _OTHER, _USED, _USING, _UNKNOWN, _ELSEWHERE = 1.0, 0.75, 0.5, 0.25, 0.3, 0.05
_SAME_SERVICE = "same service"
_OTHER_SERVICE = "service of another alert"
_STRONG_ALARMS_PER_WEEK = 1.0
# Detected onsets and reported times of changes may be some minutes off.
_SLACK = timedelta(minutes=5)
_SUPPORTED_WITHIN = timedelta(hours=1)
_TOGETHER = timedelta(minutes=30)
_FOLLOWS_WITHIN = timedelta(minutes=10)
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class RelatedChange:
    """A change before an incident, and why it may be the cause."""

    id: str
    service: str | None
    at: datetime
    kind: str
    summary: str
    url: str | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelatedAnomaly:
    """An anomaly around an incident's opening; `effect`, `expected` and `value` are in `unit`."""

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
    """How a service relates to an incident's service: a weight, and words if they are connected."""

    weight: float
    words: str | None = None


class ServiceNeighbourhood:
    """The neighbours of an incident's services, the main one first; it may name no service."""

    def __init__(self, services: Sequence[str], topology: Topology) -> None:
        self._topology = topology
        self._elsewhere = Relation(_ELSEWHERE if services else _UNKNOWN)
        self._relations: dict[str, Relation] = {}
        self._keys: dict[str, str] = {}
        self.own_key = self.key(services[0] if services else None)
        for number, service in enumerate(services):
            relation = (
                Relation(_OTHER, _OTHER_SERVICE) if number else Relation(_SAME, _SAME_SERVICE)
            )
            self._relations.setdefault(topology.key(service), relation)
        for service in services:
            for neighbour in topology.neighbours(service):
                weight = _USED if neighbour.is_used else _USING
                self._relations.setdefault(neighbour.key, Relation(weight, neighbour.relation))
        self.keys: Mapping[str, Relation] = self._relations

    def key(self, service: str | None) -> str | None:
        """Return the key of a service, which all its names share; None without a name."""
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
    """The strong anomalies (at most one alarm a week) of each service, sorted by onset."""

    def __init__(self, anomalies: Sequence[SeriesAnomaly], nearby: ServiceNeighbourhood) -> None:
        self._nearby = nearby
        self._by_key: dict[str | None, list[SeriesAnomaly]] = {}
        for anomaly in anomalies:
            if anomaly.alarms_per_week <= _STRONG_ALARMS_PER_WEEK:
                self._by_key.setdefault(nearby.key(anomaly.service), []).append(anomaly)
        self._own_first = next(iter(self._of_service(nearby.own_key)), None)

    def first_after(self, change: Change) -> SeriesAnomaly | None:
        """Return the first strong anomaly on the change's service that began near the change.

        Its onset is between five minutes before the change and an hour after it. If there is none,
        return the first strong anomaly on the incident's own service, or None if there is none
        either.
        """
        anomalies = self._of_service(self._nearby.key(change.service))
        first = bisect_left(anomalies, -_SLACK, key=lambda anomaly: anomaly.onset_at - change.at)
        if first < len(anomalies) and anomalies[first].onset_at - change.at <= _SUPPORTED_WITHIN:
            return anomalies[first]
        return self._own_first

    def _of_service(self, key: str | None) -> Sequence[SeriesAnomaly]:
        return () if key is None else self._by_key.get(key, ())


def rank_anomalies(
    anomalies: Sequence[SeriesAnomaly], nearby: ServiceNeighbourhood, opened_at: datetime
) -> tuple[RelatedAnomaly, ...]:
    """Return at most 20 anomalies with their reasons, the likeliest beginning of the issue first.

    An anomaly ranks higher if its service is the incident's or a connected service, and if its
    score is high. The first onset since 30 minutes before the opening counts fully; the earlier or
    later another onset is, the lower its anomaly ranks. `anomalies` are ordered by onset.
    """
    recent_onsets = (
        anomaly.onset_at for anomaly in anomalies if opened_at - anomaly.onset_at <= _TOGETHER
    )
    first_at = next(recent_onsets, opened_at)
    ranked = sorted(
        anomalies,
        key=lambda anomaly: (
            -_anomaly_weight(anomaly, nearby, opened_at, first_at),
            anomaly.onset_at,
            anomaly.id,
        ),
    )
    return tuple(_related_anomaly(anomaly, nearby, opened_at) for anomaly in ranked[:MOST_SHOWN])


def rank_changes(
    changes: Sequence[Change],
    anomalies: Sequence[SeriesAnomaly],
    nearby: ServiceNeighbourhood,
    opened_at: datetime,
) -> tuple[RelatedChange, ...]:
    """Return at most 20 changes with their reasons, the likeliest cause first.

    A change ranks higher if its service is the incident's or a connected service. It also ranks
    higher the shorter the time from the change to the onset that `_Onsets.first_after` finds, or to
    the opening if there is no such onset. An onset on the change's own service triples the weight.
    `anomalies` are ordered by onset.
    """
    strong = _Onsets(anomalies, nearby)
    onsets = {change.id: strong.first_after(change) for change in changes}
    ranked = sorted(
        changes,
        key=lambda change: (
            -_change_weight(change, onsets[change.id], nearby, opened_at),
            opened_at - change.at,
        ),
    )
    return tuple(
        _related_change(change, onsets[change.id], nearby, opened_at)
        for change in ranked[:MOST_SHOWN]
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
    timing = f"began {_time_between(anomaly.onset_at, opened_at)} it opened"
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
        timing = f"{_time_between(change.at, opened_at)} it opened"
    else:
        name = onset.series[:_LONGEST_NAME]
        timing = f"{_time_between(change.at, onset.onset_at)} the onset of {name}"
    return RelatedChange(
        id=change.id,
        service=change.service,
        at=change.at,
        kind=change.kind,
        summary=change.summary,
        url=change.url,
        why=(timing,) if relation is None else (relation, timing),
    )


def _time_between(moment: datetime, other: datetime) -> str:
    """Return in words how long a moment is before or after another, such as `4 min before`."""
    seconds = (other - moment).total_seconds()
    side = "before" if seconds >= 0 else "after"
    minutes = round(abs(seconds) / 60)
    if minutes == 0:
        return f"less than a minute {side}"
    length = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
    return f"{length} {side}"

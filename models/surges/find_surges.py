"""Surges: one for each trouble, explained by the most specific stream that holds its incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from features.domain.opening import Opening
from models.surges.baseline import UsualRates
from models.surges.find_alarms import BUDGET_PER_WEEK, StreamAlarm, find_alarms
from models.surges.hour_profile import HOURS_OF_WEEK
from models.surges.streams import Stream, StreamKind

# Alarms are of one trouble if they share at least half of the incidents of the smaller one. A
# stream explains a trouble if it holds most of the incidents that most of its alarms share.
_SHARED, _MOST = 0.5, 0.8
_KINDS = tuple(StreamKind)


@dataclass(frozen=True, slots=True)
class Surge:
    """Incidents of one stream that came faster than usual, and what is usual.

    `expected` is the usual rate per hour at such times, 0 if the stream has no incident in the
    `weeks` of its past. `incident_ids` are in order of opening.
    """

    id: str
    stream: Stream
    started_at: datetime
    detected_at: datetime
    last_at: datetime
    incident_ids: tuple[str, ...]
    expected: float
    weeks: float

    @property
    def count(self) -> int:
        """The number of incidents."""
        return len(self.incident_ids)

    @property
    def minutes(self) -> int:
        """The minutes from the first to the last incident, at least 1."""
        return max(1, round((self.last_at - self.started_at).total_seconds() / 60))

    @property
    def usual(self) -> tuple[int, float]:
        """How many incidents are usual in how many hours; at least one unless there was none.

        >>> monday = datetime(2026, 3, 2, tzinfo=UTC)
        >>> vpn = Stream(StreamKind.SERVICE, "vpn")
        >>> Surge("s", vpn, monday, monday, monday, ("1",), 0.5, 8).usual
        (1, 2)
        """
        if self.expected <= 0:
            return 0, round(self.weeks * HOURS_OF_WEEK)
        if self.expected >= 1:
            return round(self.expected), 1
        return 1, round(1 / self.expected)


def find_surges(
    openings: Iterable[Opening], baseline: UsualRates, budget_per_week: float = BUDGET_PER_WEEK
) -> list[Surge]:
    """Return the surges among incidents that opened after the baseline, the first detected first.

    >>> from datetime import timedelta
    >>> from models.surges.baseline import learn_baseline
    >>> start = datetime(2026, 1, 5, tzinfo=UTC)
    >>> past = [
    ...     Opening(str(n), start + timedelta(hours=2 * n), service="vpn" if n % 9 else "mail")
    ...     for n in range(336)
    ... ]
    >>> until = start + timedelta(weeks=4)
    >>> baseline = learn_baseline(past, start.timestamp(), until.timestamp())
    >>> new = [
    ...     Opening(f"new {n}", until + timedelta(hours=9, minutes=2 * n), service="mail")
    ...     for n in range(8)
    ... ]
    >>> [surge] = find_surges(new, baseline)
    >>> surge.stream.value, surge.count, surge.usual
    ('mail', 8, (1, 28))
    """
    alarms = find_alarms(openings, baseline, budget_per_week)
    return [_surge_of(group, baseline) for group in group_alarms(alarms)]


def group_alarms(alarms: Sequence[StreamAlarm]) -> list[list[StreamAlarm]]:
    """Return the alarms of each trouble, in order of detection."""
    groups: list[list[tuple[StreamAlarm, frozenset[str]]]] = []
    for alarm in alarms:
        ids = _ids(alarm)
        touching = [group for group in groups if any(_overlap(ids, own) for _, own in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([*(one for group in touching for one in group), (alarm, ids)])
    ordered = [sorted((alarm for alarm, _ in group), key=_detection) for group in groups]
    return sorted(ordered, key=lambda group: _detection(group[0]))


def _detection(alarm: StreamAlarm) -> tuple[float, str, int]:
    """Return the order of detection; terms of one title stay in its order."""
    return alarm.detected_at, alarm.detected_by, _KINDS.index(alarm.stream.kind)


def _ids(alarm: StreamAlarm) -> frozenset[str]:
    return frozenset(incident.id for incident in alarm.incidents)


def _overlap(ids: frozenset[str], others: frozenset[str]) -> bool:
    return len(ids & others) >= _SHARED * min(len(ids), len(others))


def _surge_of(group: Sequence[StreamAlarm], baseline: UsualRates) -> Surge:
    alarm = _most_specific(group, baseline)
    first = group[0]
    has_past = len(baseline.times_of(alarm.stream)) > 0
    incidents = alarm.incidents
    return Surge(
        # The first detection stays the same while the surge goes on.
        id=blake2b(first.detected_by.encode(), digest_size=8).hexdigest(),
        stream=alarm.stream,
        started_at=_time(incidents[0].time),
        detected_at=_time(first.detected_at),
        last_at=_time(incidents[-1].time),
        incident_ids=tuple(incident.id for incident in incidents),
        expected=baseline.usual_rate(alarm.stream, incidents[0].time) if has_past else 0.0,
        weeks=baseline.weeks,
    )


def _most_specific(group: Sequence[StreamAlarm], baseline: UsualRates) -> StreamAlarm:
    """Return the rarest stream that holds most of what most of the alarms share."""
    ids = [_ids(alarm) for alarm in group]
    shared = {
        id_ for some in ids for id_ in some if 2 * sum(id_ in other for other in ids) > len(ids)
    }
    explaining = [
        alarm
        for alarm, own in zip(group, ids, strict=True)
        if len(own & shared) >= _MOST * len(shared)
    ]
    return min(
        explaining or group,
        key=lambda alarm: (
            round(baseline.usual_rate(alarm.stream, alarm.started_at), 6),
            _KINDS.index(alarm.stream.kind),
        ),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""Rules that raise alarms about streams: Precedent's, a fixed count, and a Poisson tail."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from scipy.stats import poisson

from features.domain.opening import Opening
from models.surges.baseline import UsualRates
from models.surges.find_alarms import StreamAlarm, StreamIncident, find_alarms
from models.surges.hour_profile import HOUR, HOURS_OF_WEEK, hour_of_week
from models.surges.streams import Stream, streams_of

Rule = Callable[[Sequence[Opening], UsualRates], list[StreamAlarm]]

_WINDOW = 1_200.0
_FIXED_COUNT = 5
_QUIET = HOUR
_WINDOWS_A_WEEK = 7 * 24 * 3


def _windowed(
    openings: Sequence[Opening], is_many: Callable[[Stream, float, int], bool]
) -> list[StreamAlarm]:
    """Raise an alarm when the count of a stream in 20 minutes is high; it ends after an hour."""
    recent: dict[Stream, list[StreamIncident]] = {}
    raised: dict[Stream, StreamAlarm] = {}
    alarms = []
    for opening in sorted(openings, key=lambda opening: (opening.opened_at, opening.id)):
        time = opening.opened_at.timestamp()
        for stream in streams_of(opening):
            incident = StreamIncident(time, opening.id, 0.0)
            alarm = raised.get(stream)
            if alarm is not None and time - alarm.incidents[-1].time <= _QUIET:
                alarm.incidents.append(incident)
                continue
            last = [one for one in recent.get(stream, ()) if time - one.time <= _WINDOW]
            recent[stream] = [*last, incident]
            if is_many(stream, time, len(recent[stream])):
                raised[stream] = StreamAlarm(stream, time, opening.id, list(recent[stream]))
                alarms.append(raised[stream])
    return alarms


def fixed_count(openings: Sequence[Opening], baseline: UsualRates) -> list[StreamAlarm]:
    """Raise an alarm at five incidents of a stream in 20 minutes."""
    return _windowed(openings, lambda stream, time, count: count >= _FIXED_COUNT)


def poisson_tail(openings: Sequence[Opening], baseline: UsualRates) -> list[StreamAlarm]:
    """Raise an alarm at a Poisson tail below one a week over all windows of all known streams.

    The rate is the mean of the same hour in the past weeks and of the stream's overall rate.
    """
    level = 1.0 / (_WINDOWS_A_WEEK * max(len(baseline.times), 1))

    def is_many(stream: Stream, time: float, count: int) -> bool:
        times = baseline.times_of(stream)
        same_hour = (hour_of_week(times) == int(time // HOUR + 72) % HOURS_OF_WEEK).sum()
        hourly = same_hour / baseline.weeks
        overall = (len(times) + 0.5) / (baseline.weeks * HOURS_OF_WEEK)
        expected = 0.5 * (hourly + overall) * _WINDOW / HOUR
        return count >= 2 and bool(poisson.sf(count - 1, expected) < level)

    return _windowed(openings, is_many)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"precedent": find_alarms, "fixed count": fixed_count, "Poisson tail": poisson_tail}
)

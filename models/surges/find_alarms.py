"""Runs the e-detectors of all streams over incidents, and returns the streams that surge."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log

from features.domain.opening import Opening
from models.surges.baseline import UsualRates
from models.surges.e_detector import EDetector
from models.surges.hour_profile import HOUR
from models.surges.routine import is_routine
from models.surges.streams import Stream, StreamKind, streams_of

BUDGET_PER_WEEK = 1.0

# Fewer incidents are no surge, however rare their stream is.
LEAST_INCIDENTS = 4
# What is usual in an hour of the week cannot be known from less.
LEAST_WEEKS = 2.0
_MOST_REMEMBERED = 200
_AT_ONCE = 60.0
# A stream that surges again so soon is in the same trouble.
_SAME_TROUBLE = 4 * HOUR


@dataclass(frozen=True, slots=True)
class StreamIncident:
    """An incident of a stream, and the bound of the stream's rate per hour just before it."""

    time: float
    id: str
    bound: float


@dataclass(slots=True)
class StreamAlarm:
    """A stream that surges: since when its evidence suffices, and its incidents so far.

    `detected_at` is the time of the incident that completed the evidence, `detected_by` its id.
    """

    stream: Stream
    detected_at: float
    detected_by: str
    incidents: list[StreamIncident]

    @property
    def started_at(self) -> float:
        """When the first of its incidents opened, Unix seconds."""
        return self.incidents[0].time


@dataclass(slots=True)
class _StreamState:
    detector: EDetector = field(default_factory=EDetector)
    recent: list[StreamIncident] = field(default_factory=list)
    alarm: StreamAlarm | None = None
    is_surging: bool = False


def find_alarms(
    openings: Iterable[Opening],
    baseline: UsualRates,
    budget_per_week: float = BUDGET_PER_WEEK,
) -> list[StreamAlarm]:
    """Return the alarms of incidents that opened after the baseline, in the order of detection.

    On average at most `budget_per_week` alarms a week are false, over all streams together: each
    incident starts a test in each of its streams, with weights that add up to its share of the
    budget. So streams without incidents take nothing of the budget, and new ones need no place in
    it. A baseline of less than two weeks raises no alarm.
    """
    if baseline.weeks < LEAST_WEEKS:
        return []
    states: dict[Stream, _StreamState] = {}
    alarms: list[StreamAlarm] = []
    weight = budget_per_week / baseline.incidents_per_week
    for opening in sorted(openings, key=lambda opening: (opening.opened_at, opening.id)):
        streams = streams_of(opening)
        for stream, share in zip(streams, _shares(streams), strict=True):
            state = states.setdefault(stream, _StreamState())
            alarm = _observe(state, stream, opening, baseline, weight * share)
            if alarm is not None:
                alarms.append(alarm)
    return alarms


def _shares(streams: tuple[Stream, ...]) -> list[float]:
    """Return the share of each stream: equal for each kind, and equal within a kind."""
    of_kind = {kind: sum(stream.kind is kind for stream in streams) for kind in StreamKind}
    kinds = sum(number > 0 for number in of_kind.values())
    return [1.0 / (kinds * of_kind[stream.kind]) for stream in streams]


def _observe(
    state: _StreamState, stream: Stream, opening: Opening, baseline: UsualRates, weight: float
) -> StreamAlarm | None:
    """Add an incident to its stream; return the alarm if it completes one."""
    time = opening.opened_at.timestamp()
    if state.is_surging and state.detector.has_ended(time):
        state.is_surging, state.recent = False, []
        state.detector.restart()
    upper = baseline.rate(stream, time).upper
    bound = state.detector.observe(time, upper, baseline.excitation(stream), weight)
    incident = StreamIncident(time, opening.id, bound)
    if state.alarm is not None and state.is_surging:
        state.alarm.incidents.append(incident)
        return None
    state.recent = [*state.recent[1 - _MOST_REMEMBERED :], incident]
    if state.detector.evidence < 1.0:
        return None
    members = _since_start(state.recent)
    if len(members) < LEAST_INCIDENTS or is_routine(
        baseline.times_of(stream), members[0].time, time, len(members)
    ):
        return None
    state.is_surging = True
    if state.alarm is not None and time - state.alarm.incidents[-1].time < _SAME_TROUBLE:
        state.alarm.incidents += members
        return None
    state.alarm = StreamAlarm(stream, time, opening.id, members)
    return state.alarm


def _since_start(recent: list[StreamIncident]) -> list[StreamIncident]:
    """Return the last incidents, from the one with which the surge most likely began.

    That one maximises the likelihood ratio of what followed, for the rate at which they came.
    """
    best, best_start, bounds = 0.0, len(recent) - 1, 0.0
    for start in range(len(recent) - 2, -1, -1):
        later = len(recent) - 1 - start
        bounds += recent[start + 1].bound
        hours = max(recent[-1].time - recent[start].time, _AT_ONCE) / HOUR
        ratio = later * later / (hours * bounds)
        gain = later * (log(ratio) - 1.0 + 1.0 / ratio) if ratio > 1.0 else 0.0
        if gain > best:
            best, best_start = gain, start
    return recent[best_start:]

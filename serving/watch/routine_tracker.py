"""Tells which routines of watched series are new, changed, or none any more."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from features.domain.telemetry.series_routine import SeriesRoutine
from models.timeseries.announced_routines import direction_of, is_same
from models.timeseries.routines import Routine
from serving.watch.series_keys import SeriesKey

# A routine that is found again so soon after it ended is not announced again: its excursions vary.
_SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RoutineSeries:
    """What the announcement of a routine says about its series."""

    key: SeriesKey
    name: str
    service: str | None
    unit: str | None


class RoutineTracker:
    """The routines of all series that were announced, by series."""

    def __init__(self) -> None:
        self._known: dict[SeriesKey, list[SeriesRoutine]] = {}

    def restore(self, routines: Iterable[SeriesRoutine]) -> None:
        """Continue with the routines of an earlier watch."""
        for routine in routines:
            self._known.setdefault(SeriesKey.parse(routine.series_key), []).append(routine)

    @property
    def lasting(self) -> set[SeriesKey]:
        """The series with a routine that has not ended."""
        return {
            key
            for key, routines in self._known.items()
            if any(routine.ended_at is None for routine in routines)
        }

    def update(
        self,
        series: RoutineSeries,
        found: Sequence[Routine],
        revoked: Collection[str],
        now: datetime,
    ) -> list[SeriesRoutine]:
        """Return the routines of a series that are new, changed or ended.

        Those that are to be announced have `now` as `learned_at`. `revoked` are the ids of revoked
        routines, which stay as they are.
        """
        before = self._known.get(series.key, [])
        unmatched, after = list(before), []
        for routine in found:
            same = next((one for one in unmatched if is_same(one, routine)), None)
            if same is None:
                after.append(_begin(series, routine, now))
                continue
            unmatched.remove(same)
            after.append(same if same.id in revoked else _continue(same, series, routine, now))
        after += [
            one if one.ended_at or one.id in revoked else replace(one, ended_at=now)
            for one in unmatched
        ]
        if after:
            self._known[series.key] = after
        return [one for one in after if one not in before]

    def end(self, key: SeriesKey, now: datetime) -> list[SeriesRoutine]:
        """End the routines of a series that is no longer watched; a revocation outlasts it."""
        before = self._known.get(key, [])
        after = [one if one.ended_at else replace(one, ended_at=now) for one in before]
        self._known[key] = after
        return [one for one in after if one not in before]


def _begin(series: RoutineSeries, found: Routine, now: datetime) -> SeriesRoutine:
    identity = f"{series.key}@{now:%Y-%m-%dT%H:%M:%SZ} {found.size}"
    return SeriesRoutine(
        id=sha256(identity.encode()).hexdigest()[:16],
        series_key=str(series.key),
        series=series.name,
        service=series.service,
        unit=series.unit,
        direction=direction_of(found),
        at=found.at,
        every=found.every,
        duration_seconds=found.duration_seconds,
        lower=found.lower,
        upper=found.upper,
        days_seen=found.days_seen,
        learned_at=now,
    )


def _continue(
    known: SeriesRoutine, series: RoutineSeries, found: Routine, now: datetime
) -> SeriesRoutine:
    is_new = known.ended_at is not None and now > known.ended_at + _SOON
    return replace(
        _begin(series, found, now if is_new else known.learned_at),
        id=known.id,
    )

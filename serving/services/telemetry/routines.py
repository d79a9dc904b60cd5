"""Lists the routines of watched series, and revokes them or takes that back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from features.domain.audit_event import AuditEvent
from features.domain.telemetry.series_routine import SeriesRoutine
from features.store.incidents.series_routines import RoutineCursor
from features.store.store import Store
from models.timeseries.announced_routines import sentence_of
from serving.runtime.errors import UnknownRoutine

REVOKE, RESTORE = "revoke routine", "restore routine"
_ANNOUNCED = timedelta(days=7)
_MOST_ANNOUNCED = 3


@dataclass(frozen=True, slots=True)
class RoutinePage:
    """Routines, the newest first; `next` is where the next page begins, None on the last page."""

    routines: tuple[SeriesRoutine, ...]
    next: RoutineCursor | None


@dataclass(frozen=True, slots=True)
class AnnouncedRoutines:
    """The newest routines of the last seven days, how many there are more, and whether any ever."""

    newest: tuple[SeriesRoutine, ...]
    more: int
    are_any: bool


class RoutineService:
    """Lists and revokes routines; `now` returns the present time, aware UTC.

    The watch obeys from its next step on. Methods raise `StoreUnavailable`.
    """

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._now = now

    def page(self, limit: int, before: RoutineCursor | None = None) -> RoutinePage:
        """Return a page of all routines that were announced."""
        found = self._store.series_routines.page(limit + 1, before)
        following = RoutineCursor.after(found[limit - 1]) if len(found) > limit else None
        return RoutinePage(found[:limit], following)

    def announced(self) -> AnnouncedRoutines:
        """Return what the inbox tells."""
        since, routines = self._now() - _ANNOUNCED, self._store.series_routines
        newest = routines.learned_since(since, _MOST_ANNOUNCED)
        count = len(newest)
        if count == _MOST_ANNOUNCED:
            count = routines.count_since(since)
        return AnnouncedRoutines(newest, count - len(newest), bool(newest or routines.page(1)))

    def revoke(self, routine_id: str, *, given_by: str, reason: str = "") -> SeriesRoutine:
        """Let a routine be flagged again from now on; raises `UnknownRoutine`.

        A routine that is revoked already stays as it is.
        """
        routine, now = self._get(routine_id), self._now()
        if routine.revoked_at is not None:
            return routine
        revoked = replace(routine, revoked_at=now, revoked_by=given_by)
        # Logged first: no routine must change without a trace.
        self._log(REVOKE, revoked, given_by, reason, now)
        self._store.series_routines.revoke(routine_id, given_by, now)
        return revoked

    def restore(self, routine_id: str, *, given_by: str, reason: str = "") -> SeriesRoutine:
        """Let a revoked routine be learned again; raises `UnknownRoutine`.

        It has ended until it was seen on enough days again. One that is not revoked stays as it is.
        """
        routine, now = self._get(routine_id), self._now()
        if routine.revoked_at is None:
            return routine
        restored = replace(routine, revoked_at=None, revoked_by=None, ended_at=now)
        self._log(RESTORE, restored, given_by, reason, now)
        self._store.series_routines.restore(routine_id, now)
        return restored

    def _get(self, routine_id: str) -> SeriesRoutine:
        routine = self._store.series_routines.get(routine_id)
        if routine is None:
            raise UnknownRoutine(f"no routine {routine_id!r} is stored; list them again")
        return routine

    def _log(
        self, action: str, routine: SeriesRoutine, actor: str, reason: str, now: datetime
    ) -> None:
        told = f"{routine.series}: {sentence_of(routine)}"
        details = {"routine": routine.id, "series": routine.series_key}
        reason = f"{told} ({reason})" if reason else told
        self._store.audit_log.append(AuditEvent(now, actor, action, None, None, reason, details))

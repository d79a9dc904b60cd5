"""Responses about routines of watched series."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel

from features.domain.telemetry.series_routine import SeriesRoutine
from models.timeseries.announced_routines import sentence_of
from serving.schemas.cursors import write_routine_cursor
from serving.services.telemetry.routines import RoutinePage


class WatchedRoutine(BaseModel):
    """What a watched series does again and again, which raises no flags unless it is revoked.

    `at` is the local time of day, with the weekday if `every` is `week`, null if it comes at any
    time; `every` is `day`, `week` or `irregular`. Its longest duration and its lowest and highest
    value are what it may reach. `ended_at` is when it was found to be no routine any more.
    """

    id: str
    series: str
    service: str | None
    unit: str | None
    direction: str
    at: str | None
    every: str
    duration_seconds: float
    lower: float
    upper: float
    days_seen: int
    learned_at: datetime
    ended_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    sentence: str


class RoutinesResponse(BaseModel):
    """A page of routines, the newest first; `next` is the cursor of the next page, or null."""

    routines: list[WatchedRoutine]
    next: str | None
    request_id: str


class ChangedRoutineResponse(BaseModel):
    """A routine that was revoked, or that may be learned again."""

    routine: WatchedRoutine
    request_id: str


def shape_routines(page: RoutinePage, request_id: str) -> RoutinesResponse:
    """Return the response about a page of routines."""
    return RoutinesResponse(
        routines=[shape_routine(routine) for routine in page.routines],
        next=None if page.next is None else write_routine_cursor(page.next),
        request_id=request_id,
    )


def shape_routine(routine: SeriesRoutine) -> WatchedRoutine:
    """Return a routine as callers see it."""
    return WatchedRoutine(**asdict(routine), sentence=sentence_of(routine))

"""Tells for any moment how many incidents were open, and how those resolved before it went."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf, log
from typing import NamedTuple

from features.domain.opening_context import OpenCounts, OpeningContext, Precedents, facts_of
from features.domain.report import IncidentReport, ResolvedIncident

_LATEST = 100
"""How many precedents of each fact count; chosen by tests/benchmarks/resolution.py."""

_DAY_SECONDS = 86_400.0
LEAST_HOURS = 1 / 60
_NO_TIME = -inf
_ALL = ""

Fact = tuple[str, str]


class _Precedent(NamedTuple):
    """A resolved incident; sorted by the time at which it was resolved."""

    ended: float
    id: str
    log_hours: float | None
    missed: bool | None
    reassigned: bool | None


@dataclass(slots=True)
class _Spans:
    """The sorted times at which incidents opened and at which they ended."""

    opened: list[float]
    ended: list[float]

    def open_at(self, moment: float) -> int:
        return bisect_left(self.opened, moment) - bisect_left(self.ended, moment)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the index holds about one incident, so that it can be removed."""

    opened: float | None
    ended: float | None
    service: str | None
    facts: tuple[Fact, ...]
    precedent: _Precedent | None


class PrecedentIndex:
    """The times and outcomes of incidents, which answers as of any moment.

    Whatever it tells of a moment was known before it: incidents that opened before, and outcomes of
    incidents that were resolved before. Incidents that are resolved, but without times, count as
    precedents at every moment. A search takes time logarithmic in the number of incidents.

    >>> from datetime import UTC, datetime
    >>> from features.domain.report import Outcome
    >>> one, nine = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (1, 9))
    >>> past = ResolvedIncident(IncidentReport("A", one, service="vpn"), Outcome(resolved_at=nine))
    >>> index = PrecedentIndex([past])
    >>> early = index.context_of(IncidentReport("B", nine, service="vpn"))
    >>> early.open_counts.total, early.precedents_as_of["service"].count
    (1, 0)
    """

    def __init__(self, incidents: Iterable[ResolvedIncident] = ()) -> None:
        self._entries: dict[str, _Entry] = {}
        self._spans: dict[str | None, _Spans] = {}
        self._everything = _Spans([], [])
        self._precedents: dict[Fact, list[_Precedent]] = {}
        self.update(incidents)

    def __len__(self) -> int:
        return len(self._entries)

    def update(
        self, incidents: Iterable[ResolvedIncident] = (), *, removed: Iterable[str] = ()
    ) -> None:
        """Remove incidents by id, then add or replace incidents."""
        for id_ in removed:
            self._remove(id_)
        # In the order of their ends, so that new ones are appended.
        for incident in sorted(incidents, key=_ended_or_none):
            self._remove(incident.report.id)
            self._add(incident.report.id, _entry_of(incident))

    def contexts_of(
        self, reports: Sequence[IncidentReport], *, now: datetime | None = None
    ) -> list[OpeningContext]:
        """Return what was known when each report opened; `now` stands for a missing time."""
        return [self.context_of(report, now=now) for report in reports]

    def context_of(self, report: IncidentReport, *, now: datetime | None = None) -> OpeningContext:
        """Return what was known when a report opened, without the report's own outcome.

        `now` stands for a missing time of opening. Without both, there are no open counts, and only
        precedents without times count.
        """
        if report.opened_at is None and now is not None:
            report = replace(report, opened_at=now)
        moment = None if report.opened_at is None else report.opened_at.timestamp()
        entry = self._entries.get(report.id)
        counts = None if moment is None else self._counts(report.service, moment, entry)
        at = (_NO_TIME, chr(0x10FFFF)) if moment is None else (moment,)
        facts = [(_ALL, _ALL), *facts_of(report).items()]
        own = None if entry is None else entry.precedent
        return OpeningContext(
            report,
            counts,
            {name: self._precedents_of((name, value), at, own) for name, value in facts},
        )

    def _counts(self, service: str | None, moment: float, own: _Entry | None) -> OpenCounts:
        spans = self._spans.get(_key(service))
        everything = self._everything
        last_day = bisect_left(everything.opened, moment - _DAY_SECONDS)
        counts = OpenCounts(
            total=everything.open_at(moment),
            of_service=0 if spans is None else spans.open_at(moment),
            arrivals=bisect_left(everything.opened, moment) - last_day,
        )
        return counts if own is None else _without(counts, own, service, moment)

    def _precedents_of(
        self, fact: Fact, at: tuple[float, ...] | tuple[float, str], own: _Precedent | None
    ) -> Precedents:
        found = self._precedents.get(fact, [])
        end = bisect_left(found, at)
        latest = [
            precedent for precedent in found[max(0, end - _LATEST) : end] if precedent is not own
        ]
        return Precedents(
            count=len(latest),
            log_hours=_mean([precedent.log_hours for precedent in latest]),
            missed=_mean([precedent.missed for precedent in latest]),
            reassigned=_mean([precedent.reassigned for precedent in latest]),
        )

    def _add(self, id: str, entry: _Entry) -> None:  # noqa: A002
        self._entries[id] = entry
        for spans in (self._everything, self._spans_of(entry.service)):
            if entry.opened is not None:
                insort(spans.opened, entry.opened)
            if entry.opened is not None and entry.ended is not None:
                insort(spans.ended, entry.ended)
        if entry.precedent is not None:
            for fact in entry.facts:
                insort(self._precedents.setdefault(fact, []), entry.precedent)

    def _remove(self, id: str) -> None:  # noqa: A002
        entry = self._entries.pop(id, None)
        if entry is None:
            return
        for spans in (self._everything, self._spans_of(entry.service)):
            if entry.opened is not None:
                del spans.opened[bisect_left(spans.opened, entry.opened)]
            if entry.opened is not None and entry.ended is not None:
                del spans.ended[bisect_left(spans.ended, entry.ended)]
        if entry.precedent is not None:
            for fact in entry.facts:
                found = self._precedents[fact]
                del found[bisect_left(found, entry.precedent[:2])]

    def _spans_of(self, service: str | None) -> _Spans:
        return self._spans.setdefault(service, _Spans([], []))


def hours_to_resolve(incident: ResolvedIncident) -> float | None:
    """Return the hours from opening until it was resolved, at least a minute; None if not known.

    >>> from features.domain.report import Outcome
    >>> hours_to_resolve(ResolvedIncident(IncidentReport("A"), Outcome())) is None
    True
    """
    opened_at, resolved_at = incident.report.opened_at, incident.outcome.resolved_at
    if incident.outcome.is_open or opened_at is None or resolved_at is None:
        return None
    hours = (resolved_at - opened_at).total_seconds() / 3600
    return max(hours, LEAST_HOURS) if hours >= 0 else None


def _entry_of(incident: ResolvedIncident) -> _Entry:
    report, outcome = incident.report, incident.outcome
    hours = hours_to_resolve(incident)
    opened = None if report.opened_at is None else report.opened_at.timestamp()
    facts = ((_ALL, _ALL), *facts_of(report).items())
    if outcome.is_open:
        return _Entry(opened, None, _key(report.service), facts, None)
    if hours is not None and outcome.resolved_at is not None:
        ended = outcome.resolved_at.timestamp()
        return _Entry(
            opened, ended, _key(report.service), facts, _precedent(incident, ended, log(hours))
        )
    # Nobody knows until when it was open. Its outcome counts only where nothing has a time.
    precedent = _precedent(incident, _NO_TIME, None) if opened is None else None
    return _Entry(None, None, _key(report.service), facts, precedent)


def _precedent(incident: ResolvedIncident, ended: float, log_hours: float | None) -> _Precedent:
    outcome = incident.outcome
    return _Precedent(
        ended,
        incident.report.id,
        log_hours,
        None if outcome.sla_met is None else not outcome.sla_met,
        outcome.reassigned,
    )


def _ended_or_none(incident: ResolvedIncident) -> float:
    resolved_at = incident.outcome.resolved_at
    return _NO_TIME if resolved_at is None else resolved_at.timestamp()


def _key(service: str | None) -> str | None:
    return service.lower() if service else None


def _without(counts: OpenCounts, own: _Entry, service: str | None, moment: float) -> OpenCounts:
    """Return the counts without the incident itself, which may be stored already."""
    if own.opened is None or own.opened >= moment:
        return counts
    is_open = own.ended is None or own.ended >= moment
    is_of_service = is_open and own.service == _key(service)
    has_arrived = own.opened >= moment - _DAY_SECONDS
    return OpenCounts(
        counts.total - is_open, counts.of_service - is_of_service, counts.arrivals - has_arrived
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

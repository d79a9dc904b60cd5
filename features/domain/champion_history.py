"""Which version was champion when, read from the audit log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.domain.audit_event import AuditEvent

CHAMPION_ACTIONS = frozenset({"promote", "rollback", "found"})
"""The actions of events that name a champion."""
_PAST_TENSE = {"promote": "promoted", "rollback": "rolled back to", "found": "found past the log"}


@dataclass(frozen=True, slots=True)
class ChampionPeriod:
    """The period in which a version was champion of a target, and the event that began it.

    `until` is None while the version is champion. `action` is promote, rollback or found; it is
    `found` when the champion was changed without an entry in the log, at some time before `since`.
    """

    target: str
    version: str
    since: datetime
    until: datetime | None
    actor: str
    action: str
    reason: str

    @property
    def how(self) -> str:
        """How the version became champion, in words to be followed by "by" and the actor."""
        return _PAST_TENSE.get(self.action, self.action)


def champion_periods(events: Iterable[AuditEvent]) -> dict[str, tuple[ChampionPeriod, ...]]:
    """Return the champion periods of each target, oldest first, from events that are oldest first.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> log = [AuditEvent(at, "Ana", "promote", "category", "2", "better", {})]
    >>> champion_periods(log)["category"][0].version
    '2'
    """
    periods: dict[str, list[ChampionPeriod]] = {}
    for event in events:
        if event.action not in CHAMPION_ACTIONS or event.target is None or event.version is None:
            continue
        target_periods = periods.setdefault(event.target, [])
        # Promoting the champion again changes nothing.
        if target_periods and target_periods[-1].version == event.version:
            continue
        if target_periods:
            target_periods[-1] = replace(target_periods[-1], until=event.at)
        target_periods.append(
            ChampionPeriod(
                event.target,
                event.version,
                event.at,
                None,
                event.actor,
                event.action,
                event.reason,
            )
        )
    return {target: tuple(target_periods) for target, target_periods in periods.items()}


def champion_at(periods: Iterable[ChampionPeriod], moment: datetime) -> ChampionPeriod | None:
    """Return a target's champion at a moment, None before its first; periods are oldest first."""
    return next((period for period in reversed(tuple(periods)) if period.since <= moment), None)


def version_details(events: Iterable[AuditEvent], target: str, version: str) -> Mapping[str, Any]:
    """Return the details that the log holds about a version; later events override earlier ones.

    A person may promote a version that the gate refused: the differences that the gate measured
    are then in the earlier event.
    """
    about_version = [
        event for event in events if (event.target, event.version) == (target, version)
    ]
    return {name: value for event in about_version for name, value in event.details.items()}

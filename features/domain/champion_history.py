"""Which version was champion when, as the log of events tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.domain.audit_event import AuditEvent

CHAMPION_ACTIONS = frozenset({"promote", "rollback", "found"})
"""The actions of those events that name a champion."""
_PAST_TENSE = {"promote": "promoted", "rollback": "rolled back to", "found": "found past the log"}


@dataclass(frozen=True, slots=True)
class ChampionPeriod:
    """A version's time as champion of a target: who began it how, when and why.

    `until` is None while it lasts. `action` is promote, rollback or found: the last when somebody
    moved the champion past the log, so that it holds since before `since`.
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
        """How it became champion, before "by" and who did it."""
        return _PAST_TENSE.get(self.action, self.action)


def champion_periods(events: Iterable[AuditEvent]) -> dict[str, tuple[ChampionPeriod, ...]]:
    """Return the champions of each target, oldest first, from events that are.

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
        so_far = periods.setdefault(event.target, [])
        # Promoted again while champion: nothing changed.
        if so_far and so_far[-1].version == event.version:
            continue
        if so_far:
            so_far[-1] = replace(so_far[-1], until=event.at)
        so_far.append(
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
    return {target: tuple(of_target) for target, of_target in periods.items()}


def champion_at(of_target: Iterable[ChampionPeriod], moment: datetime) -> ChampionPeriod | None:
    """Return who was champion at a moment, None before the first."""
    return next((period for period in reversed(tuple(of_target)) if period.since <= moment), None)


def version_details(events: Iterable[AuditEvent], target: str, version: str) -> Mapping[str, Any]:
    """Return what the log says of a version: the details of its events, the later over the earlier.

    So the measured differences are found also of a version that the gate refused and that a person
    promoted afterwards.
    """
    about = [event for event in events if (event.target, event.version) == (target, version)]
    return {name: value for event in about for name, value in event.details.items()}

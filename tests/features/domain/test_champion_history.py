"""The champion at a moment, read from the audit log."""

from datetime import UTC, datetime

import pytest

from features.domain.audit_event import AuditEvent
from features.domain.champion_history import champion_at, champion_periods, version_details
from features.text.parsing import parse_latest_moment


def event(
    day: int, action: str, version: str | None, target: str = "category", **told
) -> AuditEvent:
    at = datetime(2026, 3, day, 12, tzinfo=UTC)
    return AuditEvent(at, "Ana", action, target, version, f"reason of day {day}", told)


LOG = (
    event(1, "train", "1"),
    event(1, "promote", "1"),
    event(2, "refuse", "2", gain=0.1, cause="too few"),
    event(2, "promote", "9", "severity"),
    event(3, "promote", "2", gain=0.2),
    event(4, "promote", "2"),
    event(4, "mode", None),
    event(5, "rollback", "1"),
    event(6, "found", "3"),
)


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("2026-02-28", None),
        ("2026-03-02", "1"),
        ("2026-03-03T11:59:59", "1"),
        ("2026-03-03T12:00:00Z", "2"),
        ("2026-03-03T13:30:00+02:00", "1"),
        (" 2026-03-03 ", "2"),
        ("2026-03-05", "1"),
        ("9999-12-31", "3"),
    ],
)
def test_the_champion_of_a_day_is_that_of_its_end(moment, version):
    period = champion_at(champion_periods(LOG)["category"], parse_latest_moment(moment))
    assert (period.version if period else None) == version


def test_a_reign_lasts_until_the_next_and_a_repeated_promotion_changes_nothing():
    periods = champion_periods(LOG)["category"]
    assert [
        (period.version, period.since.day, period.until and period.until.day) for period in periods
    ] == [
        ("1", 1, 3),
        ("2", 3, 5),
        ("1", 5, 6),
        ("3", 6, None),
    ]


def test_what_the_gate_said_of_a_version_is_told_of_it_later():
    assert version_details(LOG, "category", "2") == {"gain": 0.2, "cause": "too few"}

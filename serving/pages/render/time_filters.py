"""Times as the page writes them: ages, lengths and clock times."""

from datetime import UTC, datetime

from features.text.parsing import as_utc

_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("h", 3_600), ("min", 60))
_SHORT = frozenset({"h", "min"})


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in the largest unit that fits.

    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> age(datetime(2026, 3, 2, 11, 48, tzinfo=UTC), noon)
    '12 min ago'
    >>> age(noon, datetime(2026, 2, 28, 12, tzinfo=UTC))
    'in 2 days'
    """
    seconds = (now - moment).total_seconds()
    length = duration(abs(seconds))
    if length is None:
        return "just now"
    return f"{length} ago" if seconds > 0 else f"in {length}"


def duration(seconds: float) -> str | None:
    """Return a length of time in the largest unit that fits, None below a minute.

    >>> duration(5_400), duration(30)
    ('1 h', None)
    """
    for unit, size in _UNITS:
        count = int(seconds // size)
        if count:
            return f"{count} {unit}" if unit in _SHORT or count == 1 else f"{count} {unit}s"
    return None


def exact(moment: datetime) -> str:
    """Return a moment to the second, in UTC.

    >>> exact(datetime(2026, 3, 2, 3, 12, tzinfo=UTC))
    '2026-03-02 03:12:00 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(moment: datetime, now: datetime) -> str:
    """Return the time of day in UTC, with the date unless it is today's.

    >>> clock(datetime(2026, 3, 2, 3, 12, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC))
    '03:12'
    """
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment:%d %b %Y, %H:%M}"


def moment(value: object) -> datetime | None:
    """Return a datetime unchanged or read it from ISO 8601 text; None if it cannot be read."""
    if isinstance(value, datetime):
        return value
    try:
        return as_utc(datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError):
        return None


def hours(count: object) -> str:
    """Return a number of hours in a unit that is easy to read.

    >>> hours(0.5), hours(1.5), hours(49)
    ('30 min', '1.5 h', '2 days')
    """
    if not isinstance(count, int | float):
        return ""
    if 1 <= count < 24:
        return f"{count:.1f}".removesuffix(".0") + " h"
    return duration(count * 3_600) or "under a minute"

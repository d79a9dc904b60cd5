"""Parses the times of an export in a stated format, or in one detected for each value."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

from features.text.parsing import as_utc, is_missing

Moments = list[datetime | None]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = (
    r"(?:(?:,?\s+|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s?(?P<half>[AaPp])?(?:\.?[Mm]\.?)?)?\s?(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_NUMERIC = re.compile(rf"(\d{{1,4}})([./-])(\d{{1,2}})\2(\d{{1,4}}){_CLOCK}")
_WORDED = re.compile(rf"(\d{{1,2}})[ ./-]+([A-Za-z]{{3}})[a-z]*[ ,./-]+(\d{{2,4}}){_CLOCK}")
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}(?:\.0)?")
_PLAUSIBLE = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC))


def parse_dates(
    values: Sequence[str], *, column: str, date_format: str | None = None
) -> tuple[Moments, list[str]]:
    """Return one aware UTC time per value, None for a missing or unreadable value, and warnings.

    With a format, values that do not fit it are read as ISO. Without a format, each value's format
    is detected: ISO, seconds or milliseconds since 1970, numbers with the day or the month first,
    or a month by name. The unambiguous values of the column decide whether the day or the month
    comes first; with dots the day always does. A time without an offset is taken as UTC.

    >>> parse_dates(["14/4/2016 20:42", "2/3/2016", "?"], column="opened_at")[0][:2]
    [datetime.datetime(2016, 4, 14, 20, 42, tzinfo=datetime.timezone.utc), \
datetime.datetime(2016, 3, 2, 0, 0, tzinfo=datetime.timezone.utc)]
    """
    distinct = {value for value in values if not is_missing(value)}
    if date_format is None:
        is_day_first, warnings = _find_order(distinct, column)
        parse = partial(_parse_detected, is_day_first=is_day_first)
    else:
        parse, warnings = partial(_parse_stated, date_format=date_format), []
    moments = {value: parse(value.strip()) for value in distinct}
    unreadable = [value for value in values if value in moments and moments[value] is None]
    if unreadable:
        expected = f" as {date_format!r}" if date_format else ""
        warnings.append(
            f"{column}: {len(unreadable)} values cannot be read{expected}, such as "
            f"{unreadable[0][:40]!r}; they count as missing"
        )
    return [moments.get(value) for value in values], warnings


def usable_openings(moments: Moments, *, column: str) -> tuple[Moments, list[str]]:
    """Return the times of opening, and warnings.

    All times are None if the column is constant, or missing in more than half of the rows.
    """
    known_moments = [moment for moment in moments if moment is not None]
    if 2 * len(known_moments) < len(moments):
        problem = f"is missing in {len(moments) - len(known_moments)} of {len(moments)} rows"
    elif len(known_moments) > 1 and len(set(known_moments)) == 1:
        problem = "is the same in every row"
    else:
        return moments, []
    return [None] * len(moments), [
        f"{column} {problem}: it is not used, and rows are not split by time"
    ]


def _plausible_moment(moment: datetime) -> datetime | None:
    moment = as_utc(moment)
    return moment if _PLAUSIBLE[0] <= moment < _PLAUSIBLE[1] else None


def _parse_stated(value: str, *, date_format: str) -> datetime | None:
    try:
        return _plausible_moment(datetime.strptime(value, date_format))  # noqa: DTZ007  # naive is UTC
    except (ValueError, OverflowError):
        return _parse_iso(value)


def _parse_iso(value: str) -> datetime | None:
    # Digits alone, such as 20260301, are as likely a number as a date.
    if value.isdigit():
        return None
    try:
        return _plausible_moment(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def _parse_detected(value: str, *, is_day_first: bool) -> datetime | None:
    if moment := _parse_iso(value):
        return moment
    try:
        if _EPOCH.fullmatch(value):
            return _parse_epoch(float(value))
        if match := _NUMERIC.fullmatch(value):
            return _plausible_moment(_numeric_moment(match, is_day_first))
        if match := _WORDED.fullmatch(value):
            month = _MONTHS.index(match[2].lower()) + 1
            return _plausible_moment(_moment(_year(match[3]), month, int(match[1]), match))
    except (ValueError, OverflowError):
        return None
    return None


def _parse_epoch(number: float) -> datetime | None:
    return _plausible_moment(
        datetime.fromtimestamp(number / 1000 if number > 1e11 else number, tz=UTC)
    )


def _numeric_moment(match: re.Match[str], is_day_first: bool) -> datetime:
    first, separator, second, third = match.group(1, 2, 3, 4)
    if len(first) == 4:
        return _moment(int(first), int(second), int(third), match)
    day, month = int(first), int(second)
    if separator != "." and not is_day_first:
        day, month = month, day
    if month > 12 and separator != ".":
        day, month = month, day
    return _moment(_year(third), month, day, match)


def _year(digits: str) -> int:
    return 2000 + int(digits) if len(digits) == 2 else int(digits)


def _moment(year: int, month: int, day: int, match: re.Match[str]) -> datetime:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if half := match["half"]:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    return datetime(year, month, day, hour, minute, second, tzinfo=_zone(match["offset"]))


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in ("Z", "UTC", "GMT"):
        return UTC
    digits = offset[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-distance if offset[0] == "-" else distance)


def _find_order(values: Iterable[str], column: str) -> tuple[bool, list[str]]:
    """Return whether the day comes before the month, and warnings.

    Values that can be read in only one way decide by majority; a tie means that the day is first.
    Without such values, the month is first if a value has AM or PM, else the day.
    """
    day_first = month_first = ambiguous = half_days = 0
    for value in values:
        match = _NUMERIC.fullmatch(value.strip())
        if match is None or len(match[1]) == 4 or match[2] == ".":
            continue
        day_first += int(match[1]) > 12
        month_first += int(match[3]) > 12
        ambiguous += int(match[1]) <= 12 and int(match[3]) <= 12 and match[1] != match[3]
        half_days += match["half"] is not None
    if day_first and month_first:
        return day_first >= month_first, [
            f"{column}: some values have the day first, others the month; state a format"
        ]
    if day_first or month_first or not ambiguous:
        return not month_first, []
    is_day_first = half_days == 0
    order = "day" if is_day_first else "month"
    return is_day_first, [
        f"{column}: day and month cannot be distinguished; read with the {order} first, "
        "state a format if that is wrong"
    ]

"""Parses the times of an export in a stated format, or in one detected for each value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from features.imports.dates.date_forms import NUMERIC, SERIAL, read_iso, read_moment
from features.imports.dates.date_spellings import common_spelling
from features.text.parsing import as_utc, is_missing

Moments = list[datetime | None]

_PLAUSIBLE = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A time in UTC, and how it lies in the export's time zone."""

    moment: datetime | None
    is_ambiguous: bool = False
    is_skipped: bool = False


def parse_dates(
    values: Sequence[str],
    *,
    column: str,
    date_format: str | None = None,
    time_zone: str | None = None,
) -> tuple[Moments, list[str]]:
    """Return one aware UTC time per value, None for a missing or unreadable value, and warnings.

    With a format, values that do not fit it are read as ISO. Without a format, each value's format
    is detected: ISO, seconds or milliseconds since 1970, Excel's day numbers, numbers with the day
    or the month first, or a month by name in one of several languages. The unambiguous values of
    the column decide whether the day or the month comes first; with dots the day always does. A
    time without an offset belongs to `time_zone`, an IANA name, by default UTC.

    >>> parse_dates(["14/4/2016 20:42", "2/3/2016", "?"], column="opened_at")[0][:2]
    [datetime.datetime(2016, 4, 14, 20, 42, tzinfo=datetime.timezone.utc), \
datetime.datetime(2016, 3, 2, 0, 0, tzinfo=datetime.timezone.utc)]
    """
    distinct = {value for value in values if not is_missing(value)}
    if date_format is None:
        is_day_first, warnings = _find_order(distinct, column)
        parse = partial(read_moment, is_day_first=is_day_first)
    else:
        parse, warnings = partial(_parse_stated, date_format=date_format), []
    zone = ZoneInfo(time_zone) if time_zone else None
    readings = {value: _in_utc(parse(value.strip()), zone) for value in distinct}
    known = [(value, readings[value]) for value in values if value in readings]
    unreadable = [value for value, reading in known if reading.moment is None]
    if unreadable:
        expected = f" as {date_format!r}" if date_format else ""
        warnings.append(
            f"{column}: {len(unreadable)} values cannot be read{expected}, such as "
            f"{unreadable[0][:40]!r}; they count as missing"
        )
    serial = [value for value, _ in known if SERIAL.fullmatch(value.strip())]
    if serial and date_format is None:
        warnings.append(
            f"{column}: {len(serial)} values are read as Excel's day numbers, such as {serial[0]!r}"
        )
    warnings += _zone_warnings([reading for _, reading in known], column, time_zone)
    missing = _Reading(None)
    return [readings.get(value, missing).moment for value in values], warnings


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


def _parse_stated(value: str, *, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(value, date_format)  # noqa: DTZ007  # naive is of the export's zone
    except (ValueError, OverflowError):
        return read_iso(value)


def _in_utc(moment: datetime | None, zone: ZoneInfo | None) -> _Reading:
    """Return a time in UTC; an implausible one is None.

    A local time that occurs twice when clocks are set back is the first of the two. One that is
    skipped when clocks are set forward is moved on by the length of the gap.
    """
    if moment is None:
        return _Reading(None)
    try:
        if zone is None or moment.tzinfo is not None:
            return _Reading(_plausible(as_utc(moment)))
        local = moment.replace(tzinfo=zone)
        utc = as_utc(local)
        is_skipped = utc.astimezone(zone).replace(tzinfo=None) != moment
        is_ambiguous = not is_skipped and local.utcoffset() != local.replace(fold=1).utcoffset()
        return _Reading(_plausible(utc), is_ambiguous, is_skipped)
    except OverflowError:
        return _Reading(None)


def _plausible(moment: datetime) -> datetime | None:
    return moment if _PLAUSIBLE[0] <= moment < _PLAUSIBLE[1] else None


def _zone_warnings(readings: Sequence[_Reading], column: str, time_zone: str | None) -> list[str]:
    warnings = []
    if ambiguous := sum(reading.is_ambiguous for reading in readings):
        warnings.append(
            f"{column}: {ambiguous} times occur twice in {time_zone}, when clocks are set back; "
            "the first of the two is used"
        )
    if skipped := sum(reading.is_skipped for reading in readings):
        warnings.append(
            f"{column}: {skipped} times do not exist in {time_zone}, when clocks are set forward; "
            "they are moved on by the length of the gap"
        )
    return warnings


def _find_order(values: Iterable[str], column: str) -> tuple[bool, list[str]]:
    """Return whether the day comes before the month, and warnings.

    Values that can be read in only one way decide by majority; a tie means that the day is first.
    Without such values, the month is first if a value has AM or PM, else the day.
    """
    day_first = month_first = ambiguous = half_days = 0
    for value in values:
        match = NUMERIC.fullmatch(common_spelling(value.strip()))
        if match is None or len(match[1]) == 4 or match[2] == ".":
            continue
        day_first += int(match[1]) > 12
        month_first += int(match[3]) > 12
        ambiguous += int(match[1]) <= 12 and int(match[3]) <= 12 and match[1] != match[3]
        half_days += match["half"] is not None and value.isascii()
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

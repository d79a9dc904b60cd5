"""The forms in which exports write a time; each value is read without looking at the others."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import get_day_names, get_month_names

from features.imports.dates.date_spellings import common_spelling

_LANGUAGES = ("en", "de", "fr", "es", "pt", "nl", "it", "da", "sv", "nb", "pl")
# Of these, only whole names and usual short forms count: their beginnings are those of other months
# elsewhere, as in the Finnish "marraskuu".
_MORE_LANGUAGES = ("ru", "uk", "tr", "cs", "sk", "fi", "hu", "ro", "el", "bg")
# German as Java writes it.
_MORE_MONTHS = {"mrz": 3}
_SHORTEST = 3

_HOURS_OF_ZONE = dict.fromkeys(("Z", "UT", "UTC", "GMT", "WET"), 0) | {
    **dict.fromkeys(("CET", "WEST"), 1),
    **dict.fromkeys(("CEST", "EET"), 2),
    "EEST": 3,
    "EDT": -4,
    **dict.fromkeys(("EST", "CDT"), -5),
    **dict.fromkeys(("CST", "MDT"), -6),
    **dict.fromkeys(("MST", "PDT"), -7),
    "PST": -8,
}
_OFFSET = rf"(?P<offset>(?:UTC|GMT)?[+-]\d{{2}}(?::?\d{{2}})?|{'|'.join(_HOURS_OF_ZONE)})"
_ZONE = (
    rf"(?:\s?\(?{_OFFSET}\)?(?:\s\([A-Z]{{2,5}}\))?)?"
    r"(?:\s\(?(?P<zone>[A-Z]\w+/[A-Z][\w/]+)\)?)?"
)
_CLOCK = (
    # A time may follow a short word, such as "um", "à", "klo" or a day of the week.
    r"(?:(?:,?\s+(?:(?:-|(?![AaPp]\.?\s?[Mm]\b)[^\W\d_]{1,12}\.?),?\s+){0,2}|T)"
    r"(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    rf"\s?(?P<half>[AaPp])?(?:\.?\s?[Mm]\.?)?(?:\s?Uhr)?)?{_ZONE}"
)
_NAME = r"(?P<month>[^\W\d_]{3,12})\.?"
_GAP = r"[ ,./-]+(?:de |of )?"
NUMERIC = re.compile(rf"(\d{{1,4}})([./-])(\d{{1,2}})\2(\d{{1,4}}){_CLOCK}")
_WORDED = tuple(
    re.compile(form)
    for form in (
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º)?{_GAP}{_NAME}{_GAP}(?P<year>\d{{2,4}}){_CLOCK}",
        rf"{_NAME}[ -]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[ -]+(?P<year>\d{{4}}){_CLOCK}",
        rf"(?P<year>\d{{4}})[ ./-]+{_NAME}[ ./-]+(?P<day>\d{{1,2}})\.?{_CLOCK}",
        # As `date` and Request Tracker write it.
        rf"{_NAME} +(?P<day>\d{{1,2}}) +(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})"
        rf"(?::(?P<second>\d{{2}}))?(?P<half>)(?: +{_OFFSET})? +(?P<year>\d{{4}})(?P<zone>)",
    )
)
_HOUR_WITH_FRACTION = re.compile(r"[ T]\d{2}[.,]\d")
_WEEKDAY = re.compile(r"([^\W\d_]{2,12})\.?,?\s+")
_ARTICLES = frozenset(("le", "am", "den", "el", "il"))
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}(?:\.0)?")
SERIAL = re.compile(r"[3-6]\d{4}(?:[.,]\d+)?|7[0-2]\d{3}(?:[.,]\d+)?")
# Excel counts days from here, because it takes 1900 for a leap year.
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # a time of the export's zone


def read_moment(value: str, *, is_day_first: bool) -> datetime | None:
    """Return the time that a value states, None if its form is not known.

    A time whose value names no zone is naive.

    >>> read_moment("07.Mär.25 10:00", is_day_first=True)
    datetime.datetime(2025, 3, 7, 10, 0)
    >>> read_moment("Mon, 17 Nov 2025 08:00:00 +0100", is_day_first=True).isoformat()
    '2025-11-17T08:00:00+01:00'
    """
    value = common_spelling(value)
    if moment := read_iso(value):
        return moment
    try:
        return next((moment for moment in _readings(value, is_day_first) if moment), None)
    except (ValueError, OverflowError, KeyError):
        return None


def read_iso(value: str) -> datetime | None:
    """Return a time in ISO 8601, None for any other value.

    Digits alone, such as 20260301, are as likely a number as a date. "12.17" are minutes, although
    ISO 8601 also knows fractions of hours.
    """
    if value.isdigit() or _HOUR_WITH_FRACTION.search(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None


def _readings(value: str, is_day_first: bool) -> Iterator[datetime | None]:
    if _EPOCH.fullmatch(value):
        number = float(value)
        yield datetime.fromtimestamp(number / 1000 if number > 1e11 else number, tz=UTC)
    if SERIAL.fullmatch(value):
        days = timedelta(days=float(value.replace(",", ".")))
        yield _DAY_ZERO + timedelta(seconds=round(days.total_seconds()))
    if match := NUMERIC.fullmatch(value):
        yield _numeric_moment(match, is_day_first)
    yield _worded_moment(value)
    if (match := _WEEKDAY.match(value)) and _fold(match[1]) in _weekdays() | _ARTICLES:
        rest = value[match.end() :]
        yield _worded_moment(rest)
        if match := NUMERIC.fullmatch(rest):
            yield _numeric_moment(match, is_day_first)


def _worded_moment(value: str) -> datetime | None:
    for form in _WORDED:
        if match := form.fullmatch(value):
            month = _months().get(_fold(match["month"]))
            if month is not None:
                return _moment(_year(match["year"]), month, int(match["day"]), match)
    return None


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
    zone = _zone(match["offset"]) or (ZoneInfo(match["zone"]) if match["zone"] else None)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


def _zone(offset: str | None) -> tzinfo | None:
    if offset is None:
        return None
    if offset in _HOURS_OF_ZONE:
        return timezone(timedelta(hours=_HOURS_OF_ZONE[offset]))
    digits = offset.lstrip("UTCGM")[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-distance if "-" in offset else distance)


@cache
def _months() -> Mapping[str, int]:
    """Return the month of each name and short form that means one month in every language."""
    meanings: dict[str, set[int]] = {}
    for month, word in _month_names(_LANGUAGES):
        for length in range(_SHORTEST, len(word) + 1):
            meanings.setdefault(word[:length], set()).add(month)
    whole: dict[str, set[int]] = {}
    for month, word in _month_names(_MORE_LANGUAGES):
        whole.setdefault(word, set()).add(month)
    return _clear(whole) | _clear(meanings) | _MORE_MONTHS


def _month_names(languages: Iterable[str]) -> Iterator[tuple[int, str]]:
    names: Callable[..., Mapping[int, str]] = get_month_names
    for language in languages:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for month, name in names(width, context, locale=language).items():
                    yield month, _fold(name)


def _clear(meanings: Mapping[str, set[int]]) -> dict[str, int]:
    return {
        word: next(iter(months))
        for word, months in meanings.items()
        if len(months) == 1 and len(word) >= _SHORTEST
    }


@cache
def _weekdays() -> frozenset[str]:
    names: Callable[..., Mapping[int, str]] = get_day_names
    return frozenset(
        _fold(name)
        for language in (*_LANGUAGES, *_MORE_LANGUAGES)
        for width in ("wide", "abbreviated", "short")
        for name in names(width, locale=language).values()
    )


def _fold(word: str) -> str:
    # The Turkish letter without a dot is an "i" in capitals.
    decomposed = unicodedata.normalize("NFKD", word.casefold().replace("\u0131", "i"))
    return "".join(mark for mark in decomposed if mark.isalpha())

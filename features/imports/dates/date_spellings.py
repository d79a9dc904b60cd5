"""Brings the dates of other scripts and systems into the forms that are read everywhere else."""

import re

# The words for the halves of the day, before or after the clock time.
_FORENOON = r"午前|上午|早上|凌晨|오전|π\.?\s?μ\.?|ÖÖ|öö"
_AFTERNOON = r"午後|下午|晚上|오후|μ\.?\s?μ\.?|ÖS|ös"
_HALF = rf"(?:(?P<am>{_FORENOON})|(?P<pm>{_AFTERNOON}))"
_TIME = r"(?P<time>\d{1,2}(?::\d{2}){1,2})"
_HALF_FIRST = re.compile(rf"{_HALF}\s*{_TIME}")
_HALF_LAST = re.compile(rf"{_TIME}\s*{_HALF}")
# 2025年11月3日, 2025년 11월 3일, and 2025. 11. 3. as in Korean and Hungarian.
_YEAR_FIRST = re.compile(
    r"^(\d{4})(?:\s?[年년]\s?|\.\s?)(\d{1,2})(?:\s?[月월]\s?|\.\s?)(\d{1,2})(?:\s?[日일]|\.)?\s*"
)
_WEEKDAY = re.compile(r"\s?[(\uff08](?:[月火水木金土日]|[월화수목금토일]|周.|星期.)[)\uff09]\s?")
_CLOCK = re.compile(
    r"(\d{1,2})\s?[時时点點시]\s?(?:(\d{1,2})\s?[分분]?\s?(?:(\d{1,2})\s?[秒초]?)?)?"
)
_RUSSIAN_YEAR = re.compile(r"(?<=\d{4})\s?\u0433\.?(?=[\s,]|$)")
# As .NET writes JSON.
_DOT_NET = re.compile(r"/Date\((\d+)(?:[+-]\d{4})?\)/")
# As LDAP and logs write it; digits alone are a time only with seconds.
_COMPACT = re.compile(
    r"((?:19|20)\d\d)([01]\d)([0-3]\d)(?:[T ]?([0-2]\d)([0-5]\d)([0-5]\d)|[T ]([0-2]\d)([0-5]\d))"
    r"(?:[.,]\d{1,6})?\s?(Z|[+-]\d{2}:?\d{2})?"
)


def common_spelling(value: str) -> str:
    """Return a date as a form that is read in every language; other values stay as they are.

    >>> common_spelling("2025年3月7日 午後1:05"), common_spelling("20251103T121700Z")
    ('2025-3-7 1:05 PM', '2025-11-03 12:17:00Z')
    """
    if match := _DOT_NET.fullmatch(value):
        return match[1]
    if match := _COMPACT.fullmatch(value):
        hour, minute = match[4] or match[7], match[5] or match[8]
        clock = f"{hour}:{minute}:{match[6] or '00'}{match[9] or ''}"
        return f"{match[1]}-{match[2]}-{match[3]} {clock}"
    if value.isascii() and not _YEAR_FIRST.match(value):
        return value
    value = _WEEKDAY.sub(" ", value, count=1)
    value = _YEAR_FIRST.sub(r"\1-\2-\3 ", value)
    value = _CLOCK.sub(_clock_digits, value, count=1)
    value = _RUSSIAN_YEAR.sub("", value)
    value = _HALF_LAST.sub(_half_last, _HALF_FIRST.sub(_half_last, value))
    return value.strip()


def _clock_digits(match: re.Match[str]) -> str:
    return ":".join(f"{int(part or 0):02d}" for part in match.groups()[: 3 if match[3] else 2])


def _half_last(match: re.Match[str]) -> str:
    return f"{match['time']} {'AM' if match['am'] else 'PM'}"

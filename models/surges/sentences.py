"""Says in one sentence what surges, and what is usual."""

import re
from collections import Counter
from collections.abc import Iterable

from features.text.tokens import terms_of
from models.surges.find_surges import Surge
from models.surges.streams import StreamKind

_WORD = re.compile(r"\w+(?:-\w+)*")
_DAY_HOURS, _WEEK_HOURS = 24, 168


def sentence_of(surge: Surge, name: str) -> str:
    """Return the sentence about a surge whose stream is called `name`.

    >>> from datetime import UTC, datetime, timedelta
    >>> from models.surges.streams import Stream
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> later, ids = nine + timedelta(minutes=20), tuple("abcdefghi")
    >>> vpn = Stream(StreamKind.SERVICE, "VPN")
    >>> sentence_of(Surge("1", vpn, nine, later, later, ids, 0.5, 8), "VPN")
    'VPN tickets: 9 in 20 min, usually 1 in 2 h'
    """
    is_text = surge.stream.kind is StreamKind.TEXT
    subject = f"Tickets with “{name}”" if is_text else f"{name} tickets"
    count, hours = surge.usual
    usual = f"usually {count} in" if count else "none in the last"
    return f"{subject}: {surge.count} in {_minutes(surge.minutes)}, {usual} {_hours(hours)}"


def name_of_stream(surge: Surge, titles: Iterable[str]) -> str:
    """Return the name of a surge's stream: for a term, the word that most of the titles use.

    >>> from datetime import UTC, datetime
    >>> from models.surges.streams import Stream
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> surge = Surge("1", Stream(StreamKind.TEXT, "printer"), nine, nine, nine, ("a",), 0.5, 8)
    >>> name_of_stream(surge, ["Printers jam", "printers down", "Printer"])
    'printers'
    """
    term = surge.stream.value
    if surge.stream.kind is not StreamKind.TEXT:
        return term
    words = Counter(
        word.lower() for title in titles for word in _WORD.findall(title) if term in terms_of(word)
    )
    return words.most_common(1)[0][0] if words else term


def _minutes(minutes: int) -> str:
    return f"{minutes} min" if minutes < 120 else _hours(round(minutes / 60))


def _hours(hours: float) -> str:
    """Return a duration in its largest unit of which there are at least two."""
    if hours >= 2 * _WEEK_HOURS:
        return f"{round(hours / _WEEK_HOURS)} weeks"
    if hours >= 2 * _DAY_HOURS:
        return f"{round(hours / _DAY_HOURS)} days"
    return f"{round(hours)} h"

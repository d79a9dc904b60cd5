"""How the page says things: ages, shares, certificates and decisions in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from features.formatting import figure
from features.text.parsing import as_utc

_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("h", 3_600), ("min", 60))
_SHORT = frozenset({"h", "min"})
_FIRST_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"

MODE_WORDS: Mapping[str, str] = {"monitor": "monitor: for comparison, nothing acts on it"}
DECISION_WORDS: Mapping[str, str] = {
    "auto": "proven precise enough to act on",
    "suggest": "likely, but for a person to decide",
    "abstain": "not sure enough to say",
}
ACTION_WORDS: Mapping[str, str] = {
    "accept": "accepted",
    "correct": "corrected",
    "dismiss": "dismissed",
}

SOURCE_WORDS: Mapping[str, str] = {
    "echo": "the final state repeats our own answer and nobody looked: never learned from",
    "accepted": "a person saw our answer and took it",
    "outcome": "the final state; no answer of ours had been shown",
    "replaced": "the final state differs from our answer",
    "corrected": "a person named it",
    "audited": "a person decided without seeing our answer",
}
HELD_WORDS = (
    "Drawn into the audit sample: the answer is shown once a person has decided without seeing it."
)


class NamesVersion(Protocol):
    """A version, or an event of one."""

    @property
    def target(self) -> str | None:
        """Whose model it is."""

    @property
    def version(self) -> str | None:
        """Its number."""


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in its largest unit.

    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> age(datetime(2026, 3, 2, 11, 48, tzinfo=UTC), noon)
    '12 min ago'
    >>> age(noon, datetime(2026, 2, 28, 12, tzinfo=UTC))
    'in 2 days'
    """
    seconds = (now - moment).total_seconds()
    spoken = duration(abs(seconds))
    if spoken is None:
        return "just now"
    return f"{spoken} ago" if seconds > 0 else f"in {spoken}"


def duration(seconds: float) -> str | None:
    """Return a length of time in its largest unit, None below a minute.

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


def moment(given: object) -> datetime | None:
    """Return a time that JSON carries as text, None where it holds none that UTC can tell."""
    if isinstance(given, datetime):
        return given
    try:
        return as_utc(datetime.fromisoformat(str(given)))
    except (ValueError, OverflowError):
        return None


def percent(share: object) -> str:
    """Return a probability as a share of a hundred; neither end is claimed by rounding.

    >>> percent(0.934), percent(0.999), percent(0.001), percent(1.0)
    ('93%', 'over 99%', 'under 1%', '100%')
    """
    if not isinstance(share, int | float):
        return ""
    if 0.995 <= share < 1:
        return "over 99%"
    if 0 < share < 0.005:
        return "under 1%"
    return f"{share:.0%}"


def signed(weight: object) -> str:
    """Return a weight with its sign.

    >>> signed(1.234), signed(-0.3)
    ('+1.2', '-0.3')
    """
    return f"{weight:+.1f}" if isinstance(weight, int | float) else ""


def hours(count: object) -> str:
    """Return a number of hours as people say it.

    >>> hours(0.5), hours(1.5), hours(49)
    ('30 min', '1.5 h', '2 days')
    """
    if not isinstance(count, int | float):
        return ""
    if 1 <= count < 24:
        return f"{count:.1f}".removesuffix(".0") + " h"
    return duration(count * 3_600) or "under a minute"


def measure(value: object) -> str:
    """Return a measure of quality to three decimals, a larger one as any figure.

    >>> measure(0.9), measure(412.0)
    ('0.900', '412')
    """
    if not isinstance(value, int | float):
        return ""
    return f"{value:.3f}" if abs(value) < 10 else figure(value)


def gain(value: float) -> str:
    """Return a difference with its sign.

    >>> gain(0.0214), gain(-0.5)
    ('+0.021', '-0.500')
    """
    return f"{value:+.3f}"


def target_name(target: str) -> str:
    """Return a target as a heading.

    >>> target_name("fields.u_sub_category"), target_name("severity")
    ('U sub category', 'Severity')
    """
    name = target.removeprefix("fields.").replace("_", " ").strip()
    return name[:1].upper() + name[1:]


def certificate_words(certificate: Mapping[str, Any], label: str) -> str:
    """Return what a certificate proves.

    >>> proven = {"precision_at_least": 0.92, "threshold": 0.81, "n": 412}
    >>> certificate_words(proven, "Network")
    'Answers “Network” with 81% confidence or more are right at least 92% of the time: shown \
on 412 groups of past incidents, at 95% confidence.'
    """
    together = ", together with other rare labels" if certificate.get("pooled") else ""
    return (
        f"Answers “{label}” with {percent(certificate.get('threshold'))} confidence or more are "
        f"right at least {percent(certificate.get('precision_at_least'))} of the time: shown on "
        f"{certificate.get('n')} groups of past incidents{together}, at 95% confidence."
    )


def shorten(text: str, limit: int = 160) -> str:
    """Return the beginning of a text; a word, or a number, is cut only if it is very long.

    >>> shorten("three in the morning", 8), shorten("better by 0.123", 13)
    ('three in…', 'better by…')
    """
    if len(text) <= limit:
        return text
    kept = text[: limit + 1].rpartition(" ")[0]
    return f"{(kept if 2 * len(kept) > limit else text[:limit]).rstrip()}…"


def isolate(text: str) -> str:
    """Keep a text's direction marks from turning what surrounds it, where no markup can."""
    return f"{_FIRST_ISOLATE}{text}{_POP_ISOLATE}"


def incident_path(id: str) -> str:  # noqa: A002
    """Return the path of an incident's page.

    >>> incident_path("a/b c?")
    '/incidents/a%2Fb%20c%3F'
    """
    return f"/incidents/{quote(id, safe='')}"


def model_path(target: str, version: str) -> str:
    """Return the path of a version's card.

    >>> model_path("fields.impact/urgency", "7")
    '/models/fields.impact%2Furgency/7'
    """
    return f"/models/{quote(target, safe='')}/{quote(version, safe='')}"


def version_path(named: "NamesVersion") -> str:
    """Return the path of the card of a version, or of what happened to it."""
    return model_path(named.target or "", named.version or "")


def web_address(given: object) -> str | None:
    """Return an address that a click may open, None for anything but the web.

    >>> web_address("https://wiki/x"), web_address("javascript:alert(1)")
    ('https://wiki/x', None)
    """
    try:
        is_web = urlsplit(str(given)).scheme in {"http", "https"}
    except ValueError:
        return None
    return str(given) if is_web else None

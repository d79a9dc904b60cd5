"""Cleans texts for models by an ordered tuple of small steps, the same for imports and requests."""

import re
from collections.abc import Callable

from features.domain.report import IncidentReport
from features.text.markup import drop_markup
from features.text.memo import cached

# Part of the key of every cached encoding: increase it whenever the result of a step changes.
CLEANING_VERSION = 2

_TEMPLATE = re.compile(r"\{\{([^{}]{0,200})\}\}")
_TEMPLATE_WORD = re.compile(r"[A-Za-z]{2,}")
_URL = re.compile(
    r"\b(?:https?|ftp)://(?:[^\s/@]{1,100}@)?([\w.-]{1,200})[^\s<>\"')\]]*", re.IGNORECASE
)
_FRAME = re.compile(
    r"^[ \t]*(?:at [\w.$<>/]+\(.*\)|File \".{1,300}\", line \d+.*|\.\.\. \d+ more|#\d+ +0x.*"
    r"|goroutine \d+ \[.*)$",
    re.MULTILINE,
)
_QUOTE = re.compile(r"^[ \t]*(?:>|\|).*$", re.MULTILINE)
_MAIL_HEADER = re.compile(
    r"^[ \t]*(?:received from|from|sent|to|cc|von|gesendet|an|de|enviado|para)[ \t]*:.*$"
    r"|^-{2,}[ \t]*(?:original|forwarded|ursprüngliche) (?:message|nachricht)[ \t]*-{2,}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"^[ \t]*(?:-- ?|(?:(?:best|kind|warm|many)[ \t]*)?regards?\b.{0,20}"
    r"|mit freundlichen gr[üu](?:ß|ss)en|viele gr[üu](?:ß|ss)e|sent from my \w+"
    r"|cordialement|atenciosamente)[ \t,.!]*$",
    re.MULTILINE | re.IGNORECASE,
)
_MOMENT = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?\b"
    r"|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[ \t]?[ap]m)?\b",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-f]{4,}"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,})\b",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"\b(?:[A-Z]+[a-z0-9]+){2,}[A-Z]*\b|\b[a-z]+(?:[A-Z][a-z0-9]+)+\b")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPACE = re.compile(r"\s+")
_LONGEST_SIGNATURE = 400
# Several models read the same text, so results are cached; caching long logs would fill the memory.
_LONGEST_CACHED = 5_000


def name_template_variables(text: str) -> str:
    """Replace a template expression by its words: `{{ $labels.pod }}` becomes `labels pod`."""
    if "{{" not in text:
        return text
    return _TEMPLATE.sub(lambda match: " ".join(_TEMPLATE_WORD.findall(match[1])), text)


def keep_host_of_urls(text: str) -> str:
    """Replace a URL by its host, because two incidents rarely share the rest of an address."""
    return _URL.sub(r"\1", text) if "://" in text else text


def drop_stack_frames(text: str) -> str:
    """Remove the frames of stack traces, keeping the lines that name the error."""
    return _FRAME.sub("", text) if "\n" in text else text


def drop_quoted_mail(text: str) -> str:
    """Remove quoted lines, and the header lines of quoted or forwarded mail."""
    return _MAIL_HEADER.sub("", _QUOTE.sub("", text)) if "\n" in text else text


def drop_signature(text: str) -> str:
    """Remove a mail signature at the end.

    A sign-off followed by more than 400 characters is kept, as is the text after it.
    """
    if "\n" not in text:
        return text
    for match in _SIGN_OFF.finditer(text):
        if match.start() > 0 and len(text) - match.end() <= _LONGEST_SIGNATURE:
            return text[: match.start()]
    return text


def drop_moments(text: str) -> str:
    """Remove dates and times of day."""
    return _MOMENT.sub(" ", text)


def mask_identifiers(text: str) -> str:
    """Replace UUIDs, memory addresses and hexadecimal ids by the word `identifier`."""
    return _IDENTIFIER.sub("identifier", text)


def split_camel_case(text: str) -> str:
    """Write `KubePodCrashLooping` as `Kube Pod Crash Looping`, so that models see its words."""
    return _CAMEL.sub(lambda match: _HUMP.sub(" ", match[0]), text)


def collapse_space(text: str) -> str:
    """Replace each run of white space by one space."""
    return _SPACE.sub(" ", text).strip()


# Numbers in names are kept: the number of a job or machine often shows which team owns it.
CLEANING_STEPS: tuple[Callable[[str], str], ...] = (
    drop_markup,
    name_template_variables,
    keep_host_of_urls,
    drop_stack_frames,
    drop_quoted_mail,
    drop_signature,
    drop_moments,
    mask_identifiers,
    split_camel_case,
    collapse_space,
)


def clean_text(text: str) -> str:
    """Apply every cleaning step in order.

    >>> clean_text("HighLoad on srv-db-012 since 03:12,\\n see https://wiki.example.com/x?y=1")
    'High Load on srv-db-012 since , see wiki.example.com'
    """
    return _clean_cached(text) if len(text) <= _LONGEST_CACHED else _apply_steps(text)


@cached(4096)
def _clean_cached(text: str) -> str:
    return _apply_steps(text)


def _apply_steps(text: str) -> str:
    for step in CLEANING_STEPS:
        text = step(text)
    return text


def incident_text(report: IncidentReport) -> str:
    """Return the cleaned title and description as one text, without repetition.

    The title is left out if the description contains it, and a description that only repeats a text
    is reduced to this text.

    >>> incident_text(IncidentReport(id="1", title="VPN down", description="VPN down since noon"))
    'VPN down since noon'
    """
    title = clean_text(report.title)
    description = _drop_repetition(clean_text(report.description))
    if title in description:
        return description
    return f"{title}. {description}" if description else title


def _drop_repetition(text: str) -> str:
    """Reduce a text that consists of the same words two or more times to these words."""
    repeated = f"{text} "
    period = (repeated + repeated).find(repeated, 1)
    return repeated[:period].rstrip() if period > 0 else text

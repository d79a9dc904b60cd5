"""Words of the page: what modes, decisions and certificates mean, and texts cut to fit."""

from collections.abc import Mapping
from typing import Any

from serving.pages.render.number_filters import percent

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

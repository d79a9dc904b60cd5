"""Texts of the page: certificates in words, shortened texts, severities and directions."""

from collections.abc import Mapping
from typing import Any

from features.domain.alerts.alert_severity import UNKNOWN_RANK, severity_rank
from serving.pages.render.number_filters import percent

_FIRST_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def certificate_sentence(certificate: Mapping[str, Any], label: str) -> str:
    """Return in words what a certificate proves.

    >>> proven = {"precision_at_least": 0.92, "threshold": 0.81, "n": 412}
    >>> certificate_sentence(proven, "Network")
    'Answers “Network” with 81% confidence or more are right at least 92% of the time: measured \
on 412 groups of past incidents, with 95% certainty.'
    """
    together = ", together with other rare labels" if certificate.get("pooled") else ""
    return (
        f"Answers “{label}” with {percent(certificate.get('threshold'))} confidence or more are "
        f"right at least {percent(certificate.get('precision_at_least'))} of the time: measured on "
        f"{certificate.get('n')} groups of past incidents{together}, with 95% certainty."
    )


def shorten(text: str, limit: int = 160) -> str:
    """Return the beginning of a text, with an ellipsis for what is left out.

    A word or a number is cut only if it takes more than half of the limit.

    >>> shorten("three in the morning", 8), shorten("better by 0.123", 13)
    ('three in…', 'better by…')
    """
    if len(text) <= limit:
        return text
    whole_words = text[: limit + 1].rpartition(" ")[0]
    return f"{(whole_words if 2 * len(whole_words) > limit else text[:limit]).rstrip()}…"


def severity_class(severity: str) -> str:
    """Return the style of a severity, by its rank.

    >>> severity_class("critical"), severity_class("P2"), severity_class("purple")
    ('critical', 'high', 'unranked')
    """
    rank = severity_rank(severity)
    if rank == UNKNOWN_RANK:
        return "unranked"
    return {5: "critical", 4: "high", 3: "warning"}.get(int(rank), "low")


def isolate(text: str) -> str:
    """Return a text between Unicode isolates, so that its direction marks do not affect the rest.

    For places where markup such as `<bdi>` cannot stand.
    """
    return f"{_FIRST_ISOLATE}{text}{_POP_ISOLATE}"

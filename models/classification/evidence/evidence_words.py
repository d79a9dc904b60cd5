"""Chooses the words of a report that may be evidence, and finds them in its raw text."""

import re
from dataclasses import replace

from features.domain.report import IncidentReport
from features.text.tokens import terms_of
from models.base.predictions import TokenWeight

_LEAST_WEIGHT = 0.01


def is_content_word(word: str) -> bool:
    """Tell whether a word can be evidence: stop words, numbers and masked parts cannot.

    >>> [word for word in ("the", "tunnel", "850", "identifier") if is_content_word(word)]
    ['tunnel']
    """
    return bool(terms_of(word))


def locate_token(token: TokenWeight, report: IncidentReport) -> TokenWeight | None:
    """Return a token with its place in the report's raw title or description.

    A whole word is preferred to a part of one, such as `crash` in `KubePodCrashLooping`. Returns
    None if the weight rounds to zero, or if the raw text does not hold the token.
    """
    if abs(token.weight) < _LEAST_WEIGHT:
        return None
    word = re.escape(token.token)
    texts = {"title": report.title, "description": report.description}
    for pattern in (rf"(?<!\w){word}(?!\w)", word):
        for field, text in texts.items():
            match = re.search(pattern, text, re.IGNORECASE)
            if match is not None:
                return replace(token, field=field, start=match.start(), end=match.end())
    return None

"""Finds the words that distinguish a group of incidents from others, to name the group."""

import re
from collections import Counter
from collections.abc import Sequence

from features.domain.report import IncidentReport
from features.text.cleaning import incident_text

_MAX_COMPARED = 3_000
_MAX_WORDS = 3
_MIN_WEIGHT = 0.2
_WORD = re.compile(r"[^\W\d_]{3,}")


def distinctive_terms(
    reports: Sequence[IncidentReport], others: Sequence[IncidentReport], *, count: int = _MAX_WORDS
) -> tuple[str, ...]:
    """Return at most `count` words that distinguish `reports` from `others`, by falling weight.

    A word's weight is the share of `reports` that contain it, minus the share of the latest 3,000
    of the `others` that contain it. Words with a weight of at most 0.2 are left out.

    >>> expired = [IncidentReport(id="1", title="kerberos ticket expired")] * 3
    >>> printing = [IncidentReport(id="2", title="ticket printer")] * 3
    >>> distinctive_terms(expired, printing)
    ('expired', 'kerberos')
    """
    shares, other_shares = _word_shares(reports), _word_shares(others[-_MAX_COMPARED:])
    weights = {word: share - other_shares.get(word, 0.0) for word, share in shares.items()}
    words = sorted(
        (word for word in weights if weights[word] > _MIN_WEIGHT),
        key=lambda word: (-weights[word], word),
    )
    return tuple(words[:count])


def _word_shares(reports: Sequence[IncidentReport]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(set(_WORD.findall(incident_text(report).lower())))
    return {word: count / len(reports) for word, count in counts.items()}

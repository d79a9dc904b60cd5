"""The words that tell some incidents from others, to name what they share."""

import re
from collections import Counter
from collections.abc import Sequence

from features.domain.report import IncidentReport
from features.text.cleaning import incident_text

_MOST_COMPARED = 3_000
_NAMED = 3
_WORD = re.compile(r"[^\W\d_]{3,}")


def distinctive_terms(
    these: Sequence[IncidentReport], others: Sequence[IncidentReport], *, count: int = _NAMED
) -> tuple[str, ...]:
    """Return the words most of these incidents have and few others; the most telling first.

    A word weighs the share of these that have it, less that of the latest others.

    >>> here = [IncidentReport(id="1", title="kerberos ticket expired")] * 3
    >>> there = [IncidentReport(id="2", title="ticket printer")] * 3
    >>> distinctive_terms(here, there)
    ('expired', 'kerberos')
    """
    inside, outside = _share(these), _share(others[-_MOST_COMPARED:])
    weight = {term: share - outside.get(term, 0.0) for term, share in inside.items()}
    best = sorted((term for term in weight if weight[term] > 0.2), key=lambda t: (-weight[t], t))
    return tuple(best[:count])


def _share(reports: Sequence[IncidentReport]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(set(_WORD.findall(incident_text(report).lower())))
    return {term: number / len(reports) for term, number in counts.items()}

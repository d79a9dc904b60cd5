"""Which incidents belong together, by what trackers and people said."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.domain.report import ResolvedIncident

UNLINKED = -1

_SEPARATOR = re.compile(r"[,;\s]+")

Groups = NDArray[np.int64]


def link_groups(incidents: Sequence[ResolvedIncident]) -> Groups:
    """Return one group number per incident, `UNLINKED` for those that no link names.

    `duplicate_of` may name another incident, several, or a parent or problem that is none itself:
    incidents of the same parent belong together too.

    >>> from features.domain.report import IncidentReport, Outcome
    >>> def incident(id, link=None):
    ...     return ResolvedIncident(IncidentReport(id=id), Outcome(duplicate_of=link))
    >>> link_groups([incident("a"), incident("b", "a"), incident("c"), incident("d", "PRB1")])
    array([ 0,  0, -1, -1])
    """
    numbers = {one.report.id: row for row, one in enumerate(incidents)}
    pairs = [
        (row, numbers.setdefault(name, len(numbers)))
        for row, one in enumerate(incidents)
        for name in _linked(one, numbers)
    ]
    if not pairs:
        return np.full(len(incidents), UNLINKED, dtype=np.int64)
    ends = np.array(pairs, dtype=np.int64)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(numbers),) * 2)
    groups = connected_components(graph, directed=False)[1][: len(incidents)]
    sizes = np.bincount(groups)
    _, numbered = np.unique(np.where(sizes[groups] > 1, groups, UNLINKED), return_inverse=True)
    return np.asarray(numbered - int((sizes[groups] <= 1).any()), dtype=np.int64)


def _linked(incident: ResolvedIncident, known: dict[str, int]) -> list[str]:
    named = incident.outcome.duplicate_of
    if not named:
        return []
    names = [named] if named in known else [name for name in _SEPARATOR.split(named) if name]
    return [name for name in names if name != incident.report.id]

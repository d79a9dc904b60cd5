"""Groups of incidents that belong together, by their `duplicate_of` links."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from features.domain.report import ResolvedIncident

UNLINKED = -1

_SEPARATOR = re.compile(r"[,;\s]+")

Groups = NDArray[np.int64]


def link_groups(incidents: Sequence[ResolvedIncident]) -> Groups:
    """Return a group number for each incident, `UNLINKED` if no link connects it with another.

    `duplicate_of` may name one or several incidents, or a parent or problem record that is not an
    incident itself; incidents that name the same record belong together too.

    >>> from features.domain.report import IncidentReport, Outcome
    >>> def incident(id, link=None):
    ...     return ResolvedIncident(IncidentReport(id=id), Outcome(duplicate_of=link))
    >>> link_groups([incident("a"), incident("b", "a"), incident("c"), incident("d", "PRB1")])
    array([ 0,  0, -1, -1])
    """
    numbers = {incident.report.id: row for row, incident in enumerate(incidents)}
    pairs = [
        (row, numbers.setdefault(name, len(numbers)))
        for row, incident in enumerate(incidents)
        for name in _linked_ids(incident, numbers)
    ]
    if not pairs:
        return np.full(len(incidents), UNLINKED, dtype=np.int64)
    ends = np.array(pairs, dtype=np.int64)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(numbers),) * 2)
    # The import takes a tenth of a second, and no server needs it to start.
    from scipy.sparse.csgraph import connected_components

    groups = connected_components(graph, directed=False)[1][: len(incidents)]
    sizes = np.bincount(groups)
    linked_groups = np.where(sizes[groups] > 1, groups, UNLINKED)
    _, group_numbers = np.unique(linked_groups, return_inverse=True)
    return np.asarray(group_numbers - int((sizes[groups] <= 1).any()), dtype=np.int64)


def _linked_ids(incident: ResolvedIncident, numbers: dict[str, int]) -> list[str]:
    link = incident.outcome.duplicate_of
    if not link:
        return []
    ids = [link] if link in numbers else [part for part in _SEPARATOR.split(link) if part]
    return [id for id in ids if id != incident.report.id]  # noqa: A001

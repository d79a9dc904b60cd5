"""Builds what was known at the opening of past incidents, each from those before it alone."""

from collections.abc import Sequence

import numpy as np

from features.domain.opening_context import OpeningContext
from features.domain.report import ResolvedIncident
from features.search.precedent_index import PrecedentIndex
from models.resolution.observations import Rows

_LEAST_DATED = 0.9


def past_contexts(
    incidents: Sequence[ResolvedIncident], rows: Rows | None = None, *, seed: int = 0
) -> list[OpeningContext]:
    """Return the context of each incident, in order, or of the incidents of these rows.

    Where times are known, it holds what had happened before the incident opened. Otherwise it
    holds the outcomes of the incidents before it in a random order, so that none knows its own
    (ordered target statistics, Prokhorenkova et al. 2018).

    >>> from features.domain.report import IncidentReport, Outcome
    >>> late = Outcome(category="Network", sla_met=False)
    >>> undated = [ResolvedIncident(IncidentReport(id), late) for id in ("A", "B", "C")]
    >>> sorted(context.precedents_as_of[""].count for context in past_contexts(undated))
    [0, 1, 2]
    """
    wanted = range(len(incidents)) if rows is None else rows.tolist()
    if is_dated(incidents):
        index = PrecedentIndex(incidents)
        return index.contexts_of([incidents[row].report for row in wanted])
    index, contexts = PrecedentIndex(), dict[int, OpeningContext]()
    for row in learning_order(incidents, seed=seed).tolist():
        contexts[row] = index.context_of(incidents[row].report)
        index.update([incidents[row]])
    return [contexts[row] for row in wanted]


def learning_order(incidents: Sequence[ResolvedIncident], *, seed: int = 0) -> Rows:
    """Return the rows from the first opened to the last; without usable times, a random order."""
    if not is_dated(incidents):
        return np.random.default_rng(seed).permutation(len(incidents))
    times = [
        -np.inf if incident.report.opened_at is None else incident.report.opened_at.timestamp()
        for incident in incidents
    ]
    return np.argsort(np.array(times), kind="stable")


def is_dated(incidents: Sequence[ResolvedIncident]) -> bool:
    """Return whether at least 90% of the incidents have a time of opening."""
    dated = sum(incident.report.opened_at is not None for incident in incidents)
    return dated > 0 and dated >= _LEAST_DATED * len(incidents)

"""Limits how many incidents of a long history are learned from."""

from dataclasses import replace

import numpy as np

from features.domain.history import History


def newest_incidents(history: History, most: int) -> tuple[History, tuple[str, ...]]:
    """Return the `most` newest incidents of a history, in their order, and what to say about it.

    Incidents without a time of opening count as the oldest; among equal times, later rows count as
    newer. A history of at most `most` incidents is returned as it is.

    >>> from features.domain.report import IncidentReport, Outcome, ResolvedIncident
    >>> rows = tuple(ResolvedIncident(IncidentReport(id=str(n)), Outcome()) for n in range(4))
    >>> [incident.report.id for incident in newest_incidents(History(rows), 2)[0].incidents]
    ['2', '3']
    """
    count = len(history.incidents)
    if count <= most:
        return history, ()
    moments = (incident.report.opened_at for incident in history.incidents)
    opened = np.array([-np.inf if moment is None else moment.timestamp() for moment in moments])
    rows = np.sort(np.argsort(opened, kind="stable")[count - most :]).tolist()
    newest = replace(
        history,
        incidents=tuple(history.incidents[row] for row in rows),
        groups=tuple(history.groups[row] for row in rows) if history.groups else (),
    )
    return newest, (
        f"learned from the newest {most:,} of {count:,} incidents; all of them are stored and "
        "searched (PRECEDENT_MOST_ROWS sets the limit)",
    )

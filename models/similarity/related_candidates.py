"""The candidates of one search with their relatedness, in the order of display."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.search.candidates import Candidates
from features.search.query import SearchView

_TIE = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RelatedCandidates:
    """The candidates that a search found for one report, and the relatedness of each.

    Candidates whose relatedness reaches `cutoff` are usually shown. `rows` are the candidates' rows
    by falling relatedness; of ties, the best documented comes first, then the newest.
    """

    report: IncidentReport
    view: SearchView
    candidates: Candidates
    relatedness: Floats
    cutoff: float
    rows: tuple[int, ...]


def order_candidates(
    report: IncidentReport,
    view: SearchView,
    candidates: Candidates,
    relatedness: Floats,
    cutoff: float,
) -> RelatedCandidates:
    """Return candidates in the order of display."""
    rows = np.argsort(-relatedness, kind="stable")
    ordered: list[int] = []
    for tied_rows in _split_ties(rows.tolist(), relatedness.tolist()):
        ordered += (
            tied_rows
            if len(tied_rows) == 1
            else sorted(
                tied_rows,
                key=lambda row: (
                    -candidates.documentation[row],
                    -candidates.opened[row],
                    candidates.ids[row],
                ),
            )
        )
    return RelatedCandidates(report, view, candidates, relatedness, cutoff, tuple(ordered))


def _split_ties(rows: Sequence[int], relatedness: Sequence[float]) -> Iterator[list[int]]:
    tied_rows: list[int] = []
    for row in rows:
        if tied_rows and relatedness[row] < relatedness[tied_rows[0]] - _TIE:
            yield tied_rows
            tied_rows = []
        tied_rows.append(row)
    if tied_rows:
        yield tied_rows

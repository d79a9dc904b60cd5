"""Training data for the ranker of similar incidents: queries whose relatives are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.domain.report import ResolvedIncident
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView, view_reports
from models.similarity.deduplication import copies_of
from models.similarity.duplicate_groups import UNLINKED, Groups, link_groups
from models.similarity.pair_features import pair_features
from models.similarity.pair_statistics import PairStatistics
from models.similarity.stranger_cohort import StrangerCohort, StrangerPairs

_MOST_OF_EACH = 1_500
_CANDIDATES = 100
_COMPLETE = 0.5

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairJudgement:
    """A person's judgement of whether a report and a past incident are related."""

    id: str
    other: str
    is_related: bool


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A report, the features of its candidates, and which of them are its relatives.

    `features` has shape (candidates, features). `strangers` are the members of the cohort that the
    candidates are compared with. `has_relative` says whether an earlier incident is a
    relative, even if it is not a candidate; it is None if this is unknown. Queries of one `group`
    are linked with each other. `weight` is the number of reports that this query represents.
    """

    id: str
    group: int
    features: Floats
    strangers: StrangerPairs
    is_relative: Flags
    has_relative: bool | None
    weight: float = 1.0


def labelled_queries(
    examples: Sequence[ResolvedIncident],
    index: IncidentIndex,
    statistics: PairStatistics,
    cohort: StrangerCohort,
    judgements: Sequence[PairJudgement] = (),
    *,
    seed: int,
) -> list[LabelledQuery]:
    """Return examples as queries to an index of all examples, as if each had just been opened.

    Relatives are incidents that are linked, that a person marked as related, that have the same
    runbook, or that are near-copies, unless a person marked them as unrelated. At most 1,500
    examples with a known relative in their past are drawn, and at most 1,500 other examples. If the
    history has no links, or if less than half of the near-copies are linked, a missing link is no
    evidence (Elkan and Noto 2008); then `has_relative` is None for all queries.
    """
    past = _KnownRelations(examples, judgements)
    rng = np.random.default_rng(seed)
    rows, weights = _draw_rows(np.flatnonzero(past.is_linked), rng)
    others, other_weights = _draw_rows(np.flatnonzero(~past.is_linked), rng)
    drawn, weights = np.concatenate([rows, others]), np.concatenate([weights, other_weights])
    views = view_reports([examples[row].report for row in drawn], index.encoder)
    searches = [
        _label_candidates(past, view, row, weight, index, statistics, cohort)
        for view, row, weight in zip(views, drawn.tolist(), weights.tolist(), strict=True)
    ]
    copies = sum(search.copies for search in searches)
    linked_copies = sum(search.linked_copies for search in searches)
    if past.is_linked.any() and linked_copies >= _COMPLETE * copies:
        return [search.query for search in searches]
    return [replace(search.query, has_relative=None) for search in searches]


@dataclass(frozen=True, slots=True)
class _QueryWithCopies:
    """A query, and how many of its candidates are near-copies of it.

    `copies` counts the near-copies for which the history says whether they are related;
    `linked_copies` counts the near-copies that are related by link, person or runbook.
    """

    query: LabelledQuery
    copies: int
    linked_copies: int


def _label_candidates(
    past: "_KnownRelations",
    view: SearchView,
    row: int,
    weight: float,
    index: IncidentIndex,
    statistics: PairStatistics,
    cohort: StrangerCohort,
) -> _QueryWithCopies:
    candidates = index.candidates(view, _CANDIDATES)
    strangers = cohort.pair(view, candidates, statistics)
    is_linked, is_copy = past.are_relatives(row, candidates.ids), copies_of(view, candidates)
    is_unrelated = past.are_unrelated(row, candidates.ids)
    is_recorded = is_linked | is_unrelated | past.are_comparable(row, candidates.ids)
    is_relative = (is_linked | is_copy) & ~is_unrelated
    is_known = is_relative | is_recorded
    query = LabelledQuery(
        id=view.id,
        group=past.group_number(row),
        features=pair_features(view, candidates, statistics)[is_known],
        strangers=StrangerPairs(strangers.features, strangers.is_near[is_known]),
        is_relative=is_relative[is_known],
        has_relative=past.has_relative(row, is_relative),
        weight=weight,
    )
    copies, linked_copies = (is_copy & is_recorded).sum(), (is_copy & is_linked).sum()
    return _QueryWithCopies(query, int(copies), int(linked_copies))


class _KnownRelations:
    """The known relations between examples: links, people's judgements and runbooks."""

    def __init__(
        self, examples: Sequence[ResolvedIncident], judgements: Sequence[PairJudgement]
    ) -> None:
        self._ids = [incident.report.id for incident in examples]
        self._groups = link_groups(examples)
        self._group_of = dict(zip(self._ids, self._groups.tolist(), strict=True))
        self._runbook_of = {
            incident.report.id: incident.outcome.runbook_id for incident in examples
        }
        self._records_runbooks = any(self._runbook_of.values())
        self._judgements: dict[str, dict[str, bool]] = {}
        for judgement in judgements:
            related = self._judgements.setdefault(judgement.id, {})
            related[judgement.other] = judgement.is_related
        self.is_linked = _have_past_relative(examples, self._groups)
        is_judged = [any(self._judgements.get(id, {}).values()) for id in self._ids]  # noqa: A001
        self.is_linked |= np.array(is_judged, dtype=np.bool_)

    def group_number(self, row: int) -> int:
        """Return the number of a row's group, or a number of its own if it has no group."""
        group = int(self._groups[row])
        return group if group != UNLINKED else len(self._ids) + row

    def are_relatives(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell which incidents are relatives of a row's incident by link, person or runbook."""
        id, group = self._ids[row], int(self._groups[row])  # noqa: A001
        judgements, runbook = self._judgements.get(id, {}), self._runbook_of[id]
        return np.array(
            [
                judgements.get(other, False)
                or (group != UNLINKED and self._group_of.get(other) == group)
                or (runbook is not None and self._runbook_of.get(other) == runbook)
                for other in ids
            ],
            dtype=np.bool_,
        )

    def are_comparable(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell for which incidents the history says whether they are related to a row's incident.

        If any example has a runbook, the history says so only for two incidents with runbooks.
        """
        if not self._records_runbooks:
            return np.ones(len(ids), dtype=np.bool_)
        is_recorded = self._runbook_of[self._ids[row]] is not None
        return np.array(
            [is_recorded and self._runbook_of.get(other) is not None for other in ids],
            dtype=np.bool_,
        )

    def has_relative(self, row: int, is_relative: Flags) -> bool | None:
        """Tell whether the past of a row's incident contains a relative; None if unknown."""
        if self.is_linked[row] or is_relative.any():
            return True
        lacks_runbook = self._records_runbooks and self._runbook_of[self._ids[row]] is None
        return None if lacks_runbook else False

    def are_unrelated(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell which incidents people marked as unrelated to a row's incident."""
        judgements = self._judgements.get(self._ids[row], {})
        return np.array([judgements.get(other) is False for other in ids], dtype=np.bool_)


def _have_past_relative(examples: Sequence[ResolvedIncident], groups: Groups) -> Flags:
    """Tell for each example whether an example of its group was opened before it, or may have been.

    An example of unknown time may have been opened before or after any other example.
    """
    first_time: dict[int, float] = {}
    reports = [incident.report for incident in examples]
    times = [
        -np.inf if report.opened_at is None else report.opened_at.timestamp() for report in reports
    ]
    for group, time in zip(groups.tolist(), times, strict=True):
        first_time[group] = min(first_time.get(group, np.inf), time)
    return np.array(
        [
            group != UNLINKED and (time == -np.inf or time > first_time[group])
            for group, time in zip(groups.tolist(), times, strict=True)
        ],
        dtype=np.bool_,
    )


def _draw_rows(rows: Groups, rng: np.random.Generator) -> tuple[Groups, Floats]:
    count = min(len(rows), _MOST_OF_EACH)
    drawn = np.sort(rng.choice(rows, count, replace=False)) if count else rows
    return drawn, np.full(count, len(rows) / max(1, count))

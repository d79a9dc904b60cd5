"""What the ranker of similar incidents learns from: queries whose relatives are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.domain.report import ResolvedIncident
from features.search.candidates import IndexStatistics
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView, view_reports
from models.similarity.deduplication import Integers, alike_groups, copies_of
from models.similarity.duplicate_groups import UNLINKED, Groups, link_groups
from models.similarity.pair_features import pair_features

_MOST_OF_EACH = 1_500
_CANDIDATES = 100
_COMPLETE = 0.5

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairJudgement:
    """What a person said of a report and a past incident."""

    id: str
    other: str
    is_related: bool


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A report, the features of its candidates, and which of them are its relatives.

    `features` has shape (candidates, features), `alike` numbers candidates that tell of one
    trouble. `has_relative` tells whether the past holds a
    relative, found or not; None where nobody knows. Queries of one `group` belong together, and
    `weight` is how many reports this one stands for.
    """

    id: str
    group: int
    features: Floats
    alike: Integers
    is_relative: Flags
    has_relative: bool | None
    weight: float = 1.0


def labelled_queries(
    examples: Sequence[ResolvedIncident],
    index: IncidentIndex,
    judgements: Sequence[PairJudgement] = (),
    *,
    seed: int,
) -> list[LabelledQuery]:
    """Search for examples in an index of all of them, as if each had just been opened.

    Relatives are what links or people say, what was solved by the same runbook, and near-copies.
    Of those with a known relative in their past, and of the others, at most 1,500 each are drawn.
    Where the history has no link, or leaves most near-copies unlinked, a missing one tells nothing
    (Elkan and Noto 2008): then nobody knows who has a relative.
    """
    past = _KnownRelations(examples, judgements)
    rng = np.random.default_rng(seed)
    rows, weights = _draw(np.flatnonzero(past.is_linked), rng)
    others, other_weights = _draw(np.flatnonzero(~past.is_linked), rng)
    drawn, weights = np.concatenate([rows, others]), np.concatenate([weights, other_weights])
    views = view_reports([examples[row].report for row in drawn], index.encoder)
    common = index.statistics()
    found = [
        _ask(past, view, row, weight, index, common)
        for view, row, weight in zip(views, drawn.tolist(), weights.tolist(), strict=True)
    ]
    copies = sum(each.copies for each in found)
    if past.is_linked.any() and sum(each.named for each in found) >= _COMPLETE * copies:
        return [each.query for each in found]
    return [replace(each.query, has_relative=None) for each in found]


@dataclass(frozen=True, slots=True)
class _QueryWithCopies:
    """A query, its near-copies whose relation is on record, and those that are named relatives."""

    query: LabelledQuery
    copies: int
    named: int


def _ask(
    past: "_KnownRelations",
    view: SearchView,
    row: int,
    weight: float,
    index: IncidentIndex,
    common: IndexStatistics,
) -> _QueryWithCopies:
    candidates = index.candidates(view, _CANDIDATES)
    is_named, is_copy = past.are_relatives(row, candidates.ids), copies_of(view, candidates)
    is_stranger = past.are_unrelated(row, candidates.ids)
    is_told = is_named | is_stranger | past.are_comparable(row, candidates.ids)
    is_relative = (is_named | is_copy) & ~is_stranger
    is_known = is_relative | is_told
    query = LabelledQuery(
        id=view.id,
        group=past.block(row),
        features=pair_features(view, candidates, common)[is_known],
        alike=alike_groups(candidates)[is_known],
        is_relative=is_relative[is_known],
        has_relative=past.has_relative(row, is_relative),
        weight=weight,
    )
    return _QueryWithCopies(query, int((is_copy & is_told).sum()), int((is_copy & is_named).sum()))


class _KnownRelations:
    """What is known of which examples belong together."""

    def __init__(
        self, examples: Sequence[ResolvedIncident], judgements: Sequence[PairJudgement]
    ) -> None:
        self._ids = [one.report.id for one in examples]
        self._groups = link_groups(examples)
        self._group_of = dict(zip(self._ids, self._groups.tolist(), strict=True))
        self._runbook_of = {one.report.id: one.outcome.runbook_id for one in examples}
        self._records_runbooks = any(self._runbook_of.values())
        self._said: dict[str, dict[str, bool]] = {}
        for one in judgements:
            self._said.setdefault(one.id, {})[one.other] = one.is_related
        self.is_linked = _have_past_relative(examples, self._groups)
        is_said = [any(self._said.get(id, {}).values()) for id in self._ids]  # noqa: A001
        self.is_linked |= np.array(is_said, dtype=np.bool_)

    def block(self, row: int) -> int:
        """Return the number of the group that a row belongs to, its own where it has none."""
        group = int(self._groups[row])
        return group if group != UNLINKED else len(self._ids) + row

    def are_relatives(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell which incidents a link, a person or a shared runbook makes relatives of a row's."""
        id, group = self._ids[row], int(self._groups[row])  # noqa: A001
        said, runbook = self._said.get(id, {}), self._runbook_of[id]
        return np.array(
            [
                said.get(other, False)
                or (group != UNLINKED and self._group_of.get(other) == group)
                or (runbook is not None and self._runbook_of.get(other) == runbook)
                for other in ids
            ],
            dtype=np.bool_,
        )

    def are_comparable(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell of which incidents the record would say it if they were relatives of a row's.

        Where runbooks are recorded, one that is missing tells nothing.
        """
        if not self._records_runbooks:
            return np.ones(len(ids), dtype=np.bool_)
        is_recorded = self._runbook_of[self._ids[row]] is not None
        return np.array(
            [is_recorded and self._runbook_of.get(other) is not None for other in ids],
            dtype=np.bool_,
        )

    def has_relative(self, row: int, is_relative: Flags) -> bool | None:
        """Tell whether a row's past holds a relative, None where the record does not tell."""
        if self.is_linked[row] or is_relative.any():
            return True
        is_silent = self._records_runbooks and self._runbook_of[self._ids[row]] is None
        return None if is_silent else False

    def are_unrelated(self, row: int, ids: Sequence[str]) -> Flags:
        """Tell which incidents people said have nothing to do with a row's."""
        said = self._said.get(self._ids[row], {})
        return np.array([said.get(other) is False for other in ids], dtype=np.bool_)


def _have_past_relative(examples: Sequence[ResolvedIncident], groups: Groups) -> Flags:
    """Tell of each example whether its group has another that was opened before it."""
    first: dict[int, float] = {}
    moments = [
        -np.inf if one.report.opened_at is None else one.report.opened_at.timestamp()
        for one in examples
    ]
    for group, moment in zip(groups.tolist(), moments, strict=True):
        first[group] = min(first.get(group, np.inf), moment)
    return np.array(
        [
            group != UNLINKED and (moment == -np.inf or moment > first[group])
            for group, moment in zip(groups.tolist(), moments, strict=True)
        ],
        dtype=np.bool_,
    )


def _draw(rows: Groups, rng: np.random.Generator) -> tuple[Groups, Floats]:
    count = min(len(rows), _MOST_OF_EACH)
    drawn = np.sort(rng.choice(rows, count, replace=False)) if count else rows
    return drawn, np.full(count, len(rows) / max(1, count))

"""What the ranker of similar incidents learns from: queries whose relatives are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.encoding.incident_index import IncidentIndex
from features.encoding.search_view import view_reports
from features.incident.report import ResolvedIncident
from models.links import UNLINKED, Groups, link_groups
from models.pair_features import pair_features

_MOST_OF_EACH = 1_500
_CANDIDATES = 100

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairJudgement:
    """What a person said of a report and a past incident."""

    id: str
    other: str
    is_related: bool


@dataclass(frozen=True, slots=True)
class LinkedQuery:
    """A report, the features of its candidates, and which of them are its relatives.

    `features` has shape (candidates, features). `has_relative` tells whether the past holds a
    relative, found or not; None where nobody knows. Queries of one `group` belong together, and
    `weight` is how many reports this one stands for.
    """

    id: str
    group: int
    features: Floats
    is_relative: Flags
    has_relative: bool | None
    weight: float = 1.0


def linked_queries(
    examples: Sequence[ResolvedIncident],
    index: IncidentIndex,
    judgements: Sequence[PairJudgement] = (),
    *,
    seed: int,
) -> list[LinkedQuery]:
    """Search for examples in an index of all of them, as if each had just been opened.

    Of those with a known relative in their past, and of the others, at most 1,500 each are drawn.
    Where the history has no link at all, nobody knows who has one.
    """
    judged = _by_report(judgements)
    groups = link_groups(examples)
    is_linked = _have_past_relative(examples, groups)
    is_linked |= np.array([any(judged.get(one.report.id, {}).values()) for one in examples])
    rng = np.random.default_rng(seed)
    rows, weights = _draw(np.flatnonzero(is_linked), rng)
    others, other_weights = _draw(np.flatnonzero(~is_linked), rng)
    drawn = np.concatenate([rows, others])
    group_of = {one.report.id: int(group) for one, group in zip(examples, groups, strict=True)}
    views = view_reports([examples[row].report for row in drawn], index.encoder)
    common = index.statistics()
    queries = []
    for view, row, weight in zip(views, drawn, [*weights, *other_weights], strict=True):
        candidates = index.candidates(view, _CANDIDATES)
        group, said = int(groups[row]), judged.get(view.id, {})
        is_relative = [
            said.get(id, group != UNLINKED and group_of.get(id) == group)
            for id in candidates.ids  # noqa: A001
        ]
        queries.append(
            LinkedQuery(
                id=view.id,
                group=group if group != UNLINKED else len(examples) + int(row),
                features=pair_features(view, candidates, common),
                is_relative=np.array(is_relative, dtype=np.bool_),
                has_relative=bool(is_linked[row]) if is_linked.any() else None,
                weight=float(weight),
            )
        )
    return queries


def _by_report(judgements: Sequence[PairJudgement]) -> dict[str, dict[str, bool]]:
    said: dict[str, dict[str, bool]] = {}
    for one in judgements:
        said.setdefault(one.id, {})[one.other] = one.is_related
    return said


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

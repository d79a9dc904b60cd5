"""Numeric features of how well a report and each runbook of an index match."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.encoding.encoder import Vectors
from models.runbooks.passages import RunbookQuery, read_report
from models.runbooks.runbook_index import RunbookIndex

Floats = NDArray[np.float64]

FEATURES = (
    "same name",
    "title and name",
    "words",
    "lead",
    "pairs",
    "code",
    "best passage",
    "all passages",
    "missing name",
    "other components",
    "past uses",
    "usage",
)

_REPEAT_WEIGHT = 19.0


@dataclass(frozen=True, slots=True)
class Match:
    """A report compared with every runbook of an index.

    `features` has shape (runbooks, FEATURES). `passage_scores` are the cosines of the report with
    each passage of the index. `likeness` is the similarity of the report to the report of each past
    use, in 0..1; it is 0 for a use that is not earlier than the report, or for the same incident.
    `is_titled` marks the runbooks whose title or file name is the name of the alert; if there are
    none, those with a heading or a row of a table that is this name.
    """

    query: RunbookQuery
    features: Floats
    passage_scores: Floats
    likeness: Floats
    is_titled: NDArray[np.bool_]


def match_reports(reports: Sequence[IncidentReport], index: RunbookIndex) -> list[Match]:
    """Return for each report, in order, its match with the runbooks of an index."""
    queries = [read_report(report) for report in reports]
    texts = [query.text for query in queries]
    vectors = index.encoder.encode(texts)
    return [
        _match(report, query, vector, index)
        for report, query, vector in zip(reports, queries, vectors, strict=True)
    ]


def _match(
    report: IncidentReport, query: RunbookQuery, vector: Vectors, index: RunbookIndex
) -> Match:
    passage_scores = (index.vectors @ vector).astype(np.float64)
    is_past = index.past.is_before(report)
    likeness = np.where(is_past, index.past.likeness(query, vector), 0.0)
    features = (
        np.array([float(not query.names.isdisjoint(names)) for names in index.names]),
        index.name_field.score(query.title),
        index.body_field.score(query.words),
        index.lead_field.score(query.words),
        index.pair_field.score(query.pairs),
        index.body_field.score(query.code),
        _best_by_runbook(passage_scores, index.owners, len(index)),
        index.means @ vector,
        1 - index.name_field.covered_share(query.said),
        _other_components(query, index),
        _past_votes(likeness, index),
        _usage(is_past, index),
    )
    return Match(
        query, np.column_stack(features), passage_scores, likeness, _are_titled(query, index)
    )


def _are_titled(query: RunbookQuery, index: RunbookIndex) -> NDArray[np.bool_]:
    """Return which runbooks have the alert's name as title, or else as heading or row."""
    titled = [not query.full_names.isdisjoint(names) for names in index.own_names]
    if not any(titled):
        titled = [not query.full_names.isdisjoint(names) for names in index.alert_names]
    return np.array(titled, dtype=np.bool_)


def _best_by_runbook(scores: Floats, owners: NDArray[np.int64], count: int) -> Floats:
    best = np.full(count, -1.0)
    np.maximum.at(best, owners, scores)
    return np.where(best > -1.0, best, 0.0)


def _other_components(query: RunbookQuery, index: RunbookIndex) -> Floats:
    """Return the share, by rarity, of a report's terms that speak of a component of other runbooks.

    These are the terms that occur in the name of some runbook, but nowhere in the runbook at hand.
    """
    components = query.said & index.name_vocabulary
    missing = index.body_field.total_rarity(components) - index.body_field.held_rarity(components)
    return np.asarray(missing / max(index.body_field.total_rarity(query.said), 1e-9))


def _past_votes(likeness: Floats, index: RunbookIndex) -> Floats:
    """Return each runbook's sum of votes, divided by 1 plus the total weight of all votes.

    A past report votes for the runbook that was used for it, or against it if the runbook did not
    help. A vote's weight increases with the similarity of the past report; a report with the same
    text has the weight of many similar reports. Without similar reports the result is near 0.
    """
    rows, helped = index.past.rows, index.past.helped
    weights = likeness**4 + _REPEAT_WEIGHT * likeness**32
    votes = np.bincount(rows, np.where(helped, weights, -weights), minlength=len(index))
    return np.asarray(votes / (1 + weights.sum()), dtype=np.float64)


def _usage(is_past: NDArray[np.bool_], index: RunbookIndex) -> Floats:
    """Return the log of each runbook's number of earlier uses that helped, relative to the mean."""
    counts = np.bincount(index.past.rows[is_past & index.past.helped], minlength=len(index))
    return np.asarray(np.log((counts + 1) / (counts.mean() + 1)), dtype=np.float64)

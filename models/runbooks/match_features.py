"""How a report and each runbook of an index go together, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
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
    "past uses",
    "usage",
)

_SAME_AGAIN = 19.0


@dataclass(frozen=True, slots=True)
class Match:
    """A report beside every runbook of an index.

    `features` has shape (runbooks, FEATURES), `passages` says how well each passage of the index
    fits, `alike` how like the report of each past use is, 0 for a use that came later.
    """

    question: RunbookQuery
    features: Floats
    passages: Floats
    alike: Floats


def match_reports(reports: Sequence[IncidentReport], index: RunbookIndex) -> list[Match]:
    """Compare each report with each runbook."""
    questions = [read_report(report) for report in reports]
    vectors = np.asarray(index.encoder.encode([one.text for one in questions]), dtype=np.float64)
    return [
        _match(report, question, vector, index)
        for report, question, vector in zip(reports, questions, vectors, strict=True)
    ]


def _match(
    report: IncidentReport, question: RunbookQuery, vector: Floats, index: RunbookIndex
) -> Match:
    passages = index.vectors @ vector
    known = index.past.known_to(report)
    alike = np.where(known, index.past.likeness(question, vector), 0.0)
    features = (
        np.array([float(not question.names.isdisjoint(names)) for names in index.names]),
        index.name_field.score(question.title),
        index.body_field.score(question.words),
        index.lead_field.score(question.words),
        index.pair_field.score(question.pairs),
        index.body_field.score(question.code),
        _best_of_each(passages, index.owners, len(index)),
        index.means @ vector,
        _past(alike, index),
        _usage(known, index),
    )
    return Match(question, np.column_stack(features), passages, alike)


def _best_of_each(scores: Floats, owners: NDArray[np.int64], count: int) -> Floats:
    best = np.full(count, -1.0)
    np.maximum.at(best, owners, scores)
    return np.where(best > -1.0, best, 0.0)


def _past(alike: Floats, index: RunbookIndex) -> Floats:
    """Return the share of like past reports for which each runbook helped, less those it did not.

    One report that says the same weighs as much as many that say something similar, and without
    any the share is near 0.
    """
    rows, helped = index.past.rows, index.past.helped
    weights = alike**4 + _SAME_AGAIN * alike**32
    votes = np.bincount(rows, np.where(helped, weights, -weights), minlength=len(index))
    return np.asarray(votes / (1 + weights.sum()), dtype=np.float64)


def _usage(known: NDArray[np.bool_], index: RunbookIndex) -> Floats:
    """Return the logarithm of how much more often than the average each runbook was used."""
    counts = np.bincount(index.past.rows[known & index.past.helped], minlength=len(index))
    return np.asarray(np.log((counts + 1) / (counts.mean() + 1)), dtype=np.float64)

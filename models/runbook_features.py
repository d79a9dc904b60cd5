"""How a report and each runbook of a shelf go together, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.incident.report import IncidentReport
from models.runbook_shelf import Shelf
from models.runbook_text import Question, read_report

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


@dataclass(frozen=True, slots=True)
class Match:
    """A report beside every runbook of a shelf.

    `features` has shape (runbooks, FEATURES), `passages` says how well each passage of the shelf
    fits, `alike` how like the report of each past use is, 0 for a use that came later.
    """

    question: Question
    features: Floats
    passages: Floats
    alike: Floats


def match_reports(reports: Sequence[IncidentReport], shelf: Shelf) -> list[Match]:
    """Compare each report with each runbook."""
    questions = [read_report(report) for report in reports]
    vectors = np.asarray(shelf.encoder.encode([one.text for one in questions]), dtype=np.float64)
    return [
        _match(report, question, vector, shelf)
        for report, question, vector in zip(reports, questions, vectors, strict=True)
    ]


def _match(report: IncidentReport, question: Question, vector: Floats, shelf: Shelf) -> Match:
    passages = shelf.vectors @ vector
    known = shelf.past.known_to(report)
    alike = np.where(known, shelf.past.likeness(question, vector), 0.0)
    features = (
        np.array([float(not question.names.isdisjoint(names)) for names in shelf.names]),
        shelf.name_field.score(question.title),
        shelf.body_field.score(question.words),
        shelf.lead_field.score(question.words),
        shelf.pair_field.score(question.pairs),
        shelf.body_field.score(question.code),
        _best_of_each(passages, shelf.owners, len(shelf)),
        shelf.means @ vector,
        _past(alike, shelf),
        _usage(known, shelf),
    )
    return Match(question, np.column_stack(features), passages, alike)


def _best_of_each(scores: Floats, owners: NDArray[np.int64], count: int) -> Floats:
    best = np.full(count, -1.0)
    np.maximum.at(best, owners, scores)
    return np.where(best > -1.0, best, 0.0)


def _past(alike: Floats, shelf: Shelf) -> Floats:
    """Return how the best past use that helped speaks for a runbook, less one that did not.

    A report that says the same decides, one that says something similar nudges.
    """
    telling = (alike**4 + 3 * alike**16) / 4
    rows, helped = shelf.past.rows, shelf.past.helped
    good, bad = np.zeros(len(shelf)), np.zeros(len(shelf))
    np.maximum.at(good, rows[helped], telling[helped])
    np.maximum.at(bad, rows[~helped], telling[~helped])
    return good - bad


def _usage(known: NDArray[np.bool_], shelf: Shelf) -> Floats:
    """Return the logarithm of how much more often than the average each runbook was used."""
    counts = np.bincount(shelf.past.rows[known & shelf.past.helped], minlength=len(shelf))
    return np.asarray(np.log((counts + 1) / (counts.mean() + 1)), dtype=np.float64)

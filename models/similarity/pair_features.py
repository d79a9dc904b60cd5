"""Numeric features of what a report and past incidents share, for the ranker."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import UNKNOWN_TIME, Candidates, Counts, IndexStatistics
from features.search.query import NO_SERVICE, SearchView
from features.search.ragged_array import Hashes, Ragged

Floats = NDArray[np.float64]

FEATURES: Final = (
    "text_cosine",
    "commonness",
    "title_cosine",
    "shared_terms",
    "rarest_term",
    "same_signature",
    "same_service",
    "same_facts",
    "log_weeks_apart",
)

_SECONDS_A_WEEK = 7 * 86_400
# The usual value of candidates, so that an unknown time counts neither for nor against a candidate.
_UNKNOWN_LOG_WEEKS = 4.0
_PRIOR_COUNT = 4


def pair_features(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    """Return the features of each candidate and the report, of shape (candidates, features).

    `commonness` is the mean cosine of a candidate with all incidents: if a candidate resembles all
    incidents, its resemblance to the report is weak evidence. `shared_terms` is the square root of
    the cosine of the term sets, and `rarest_term` is the weight of the rarest shared term; both
    weight terms by inverse document frequency. A shared service or fact counts less, the more
    incidents have it.
    """
    terms = _SharedTerms(view.text_terms, candidates.text_terms, common.text_terms, common.count)
    columns = (
        candidates.text_vectors @ view.text_vector,
        _commonness(candidates, common),
        candidates.title_vectors @ view.title_vector,
        np.sqrt(terms.cosine()),
        terms.rarest(),
        _has_any(view.signatures, candidates.signatures),
        _same_service(view, candidates, common),
        _same_facts(view, candidates, common),
        _log_weeks_apart(view, candidates),
    )
    return np.column_stack(columns).astype(np.float64)


def _commonness(candidates: Candidates, common: IndexStatistics) -> Floats:
    # The mean includes the candidate's cosine with itself, so it is too high if incidents are few.
    share = common.count / (common.count + _PRIOR_COUNT)
    return np.asarray(share * (candidates.text_vectors @ common.text_centre))


class _SharedTerms:
    """The terms that a report shares with each candidate, weighted by their rarity."""

    def __init__(self, report_terms: Hashes, rows: Ragged, counts: Counts, count: int) -> None:
        self._most = float(np.log(count + 2))
        self._report_weights = self._rarity(report_terms, counts)
        self._weights = self._rarity(rows.values, counts)
        self._rows, self._is_shared = rows, _is_among(rows.values, report_terms)

    def cosine(self) -> Floats:
        """Return the cosine of each candidate's term set with the report's term set."""
        squares = self._weights**2
        norms = np.sqrt((self._report_weights**2).sum() * _sums(squares, self._rows))
        shared = _sums(squares * self._is_shared, self._rows)
        return np.asarray(np.divide(shared, norms, out=np.zeros_like(norms), where=norms > 0))

    def rarest(self) -> Floats:
        """Return the weight of the rarest shared term, in 0..1; 0 without a shared term."""
        largest = np.zeros(len(self._rows.starts) - 1)
        owners = np.repeat(np.arange(len(largest)), np.diff(self._rows.starts))
        np.maximum.at(largest, owners[self._is_shared], self._weights[self._is_shared])
        return np.asarray(largest / self._most)

    def _rarity(self, terms: Hashes, counts: Counts) -> Floats:
        return np.asarray(self._most - np.log(counts[terms] + 1.0))


def _same_service(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    if view.service == NO_SERVICE:
        return np.zeros(len(candidates))
    share = common.services[view.service] / max(1, common.count)
    return np.where(candidates.services == view.service, 1.0 - min(1.0, share), 0.0)


def _same_facts(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    """Return the share of the report's facts that each candidate has; common facts count less."""
    facts = candidates.facts.values
    weights = 1.0 - np.minimum(1.0, common.facts[facts] / max(1, common.count))
    shared = _sums(weights * _is_among(facts, view.facts), candidates.facts)
    return np.asarray(shared / max(1, len(view.facts)))


def _log_weeks_apart(view: SearchView, candidates: Candidates) -> Floats:
    if view.opened is None:
        return np.full(len(candidates), _UNKNOWN_LOG_WEEKS)
    is_known = candidates.opened != UNKNOWN_TIME
    seconds = np.abs(np.where(is_known, candidates.opened, view.opened) - view.opened)
    return np.asarray(np.where(is_known, np.log1p(seconds / _SECONDS_A_WEEK), _UNKNOWN_LOG_WEEKS))


def _has_any(wanted_values: Hashes, rows: Ragged) -> Floats:
    return np.minimum(_sums(_is_among(rows.values, wanted_values).astype(np.float64), rows), 1.0)


def _is_among(values: Hashes, sorted_set: Hashes) -> NDArray[np.bool_]:
    """Tell which values are in `sorted_set`; faster than `isin` for short arrays."""
    if not len(sorted_set):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    return np.asarray(sorted_set[places] == values)


def _sums(values: Floats, rows: Ragged) -> Floats:
    """Return the sum of each row's values, 0 for an empty row."""
    running = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(running[rows.starts[1:]] - running[rows.starts[:-1]])

"""Numeric features of what a report and past incidents share, for the ranker."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import UNKNOWN_TIME, Candidates
from features.search.query import NO_SERVICE, SearchView
from features.search.ragged_array import Hashes, Ragged
from models.similarity.pair_statistics import PairStatistics, row_products

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


def pair_features(view: SearchView, candidates: Candidates, statistics: PairStatistics) -> Floats:
    """Return the features of each candidate and the report, of shape (candidates, features).

    The features of a candidate depend on the report, on the candidate and on `statistics` only:
    they are the same to the last bit whatever other candidates there are. `commonness` is the mean
    cosine of a candidate with the texts of a history: if a candidate resembles all incidents, its
    resemblance to the report is weak evidence. `shared_terms` is the square root of the cosine of
    the term sets, and `rarest_term` is the weight of the rarest shared term; both weight terms by
    inverse document frequency. A shared service or fact counts less, the more incidents have it.
    """
    terms = _SharedTerms(view.text_terms, candidates.text_terms, statistics)
    columns = (
        row_products(candidates.text_vectors, view.text_vector),
        statistics.commonness(candidates.text_vectors),
        row_products(candidates.title_vectors, view.title_vector),
        np.sqrt(terms.cosine()),
        terms.rarest(),
        _has_any(view.signatures, candidates.signatures),
        _same_service(view, candidates, statistics),
        _same_facts(view, candidates, statistics),
        _log_weeks_apart(view, candidates),
    )
    return np.column_stack(columns).astype(np.float64)


class _SharedTerms:
    """The terms that a report shares with each candidate, weighted by their rarity."""

    def __init__(self, report_terms: Hashes, rows: Ragged, statistics: PairStatistics) -> None:
        self._report_weights = statistics.rarity(report_terms)
        self._weights = statistics.rarity(rows.values)
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
        owners = _owners(self._rows)[self._is_shared]
        np.maximum.at(largest, owners, self._weights[self._is_shared])
        return largest


def _same_service(view: SearchView, candidates: Candidates, statistics: PairStatistics) -> Floats:
    if view.service == NO_SERVICE:
        return np.zeros(len(candidates))
    weight = statistics.service_weight(view.service, view.source)
    return np.where(candidates.services == view.service, weight, 0.0)


def _same_facts(view: SearchView, candidates: Candidates, statistics: PairStatistics) -> Floats:
    """Return the mean weight of the report's facts, 0 for those that a candidate does not have."""
    weights = np.zeros(len(candidates.facts.values))
    is_shared = _is_among(candidates.facts.values, view.facts)
    weights[is_shared] = statistics.fact_weights(candidates.facts.values[is_shared], view.source)
    return np.asarray(_sums(weights, candidates.facts) / max(1, len(view.facts)))


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


def _owners(rows: Ragged) -> NDArray[np.int64]:
    """Return the row of each value."""
    return np.repeat(np.arange(len(rows.starts) - 1), np.diff(rows.starts))


def _sums(values: Floats, rows: Ragged) -> Floats:
    """Return the sum of each row's values, 0 for an empty row."""
    sums = np.bincount(_owners(rows), weights=values, minlength=len(rows.starts) - 1)
    return sums.astype(np.float64)

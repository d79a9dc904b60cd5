"""What a report and past incidents have in common, as the numbers that a ranker weighs."""

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
# What candidates are apart at large: an unknown time speaks neither for nor against.
_UNKNOWN_LOG_WEEKS = 4.0
_OTHERS_ASSUMED = 4


def pair_features(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    """Return the features of each candidate beside a report, of shape (candidates, features).

    `commonness` is the mean cosine of a candidate with everything: one that resembles all says
    little by resembling this report. `shared_terms` is the root of the cosine of the term sets and
    `rarest_term` the weight of the rarest term in common, both by inverse document frequency. An
    equal service or fact counts less, the more incidents have it.
    """
    terms = _Shared(view.text_terms, candidates.text_terms, common.text_terms, common.count)
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
    # A candidate's cosine with itself is part of the mean, which says much among few.
    share = common.count / (common.count + _OTHERS_ASSUMED)
    return np.asarray(share * (candidates.text_vectors @ common.text_centre))


class _Shared:
    """The terms of a report that each candidate has too, weighted by how rare they are."""

    def __init__(self, asked: Hashes, rows: Ragged, counts: Counts, count: int) -> None:
        self._most = float(np.log(count + 2))
        self._asked = self._rarity(asked, counts)
        self._theirs = self._rarity(rows.values, counts)
        self._rows, self._found = rows, _is_among(rows.values, asked)

    def cosine(self) -> Floats:
        """Return the cosine of each candidate's set with the report's."""
        squares = self._theirs**2
        norms = np.sqrt((self._asked**2).sum() * _sums(squares, self._rows))
        shared = _sums(squares * self._found, self._rows)
        return np.asarray(np.divide(shared, norms, out=np.zeros_like(norms), where=norms > 0))

    def rarest(self) -> Floats:
        """Return the rarest shared term's weight: 1 for one that no other incident has."""
        largest = np.zeros(len(self._rows.starts) - 1)
        owners = np.repeat(np.arange(len(largest)), np.diff(self._rows.starts))
        np.maximum.at(largest, owners[self._found], self._theirs[self._found])
        return np.asarray(largest / self._most)

    def _rarity(self, terms: Hashes, counts: Counts) -> Floats:
        return np.asarray(self._most - np.log(counts[terms] + 1.0))


def _same_service(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    if view.service == NO_SERVICE:
        return np.zeros(len(candidates))
    share = common.services[view.service] / max(1, common.count)
    return np.where(candidates.services == view.service, 1.0 - min(1.0, share), 0.0)


def _same_facts(view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
    """Return the share of the report's facts that each candidate has, less what chance gives."""
    theirs = candidates.facts.values
    weights = 1.0 - np.minimum(1.0, common.facts[theirs] / max(1, common.count))
    shared = _sums(weights * _is_among(theirs, view.facts), candidates.facts)
    return np.asarray(shared / max(1, len(view.facts)))


def _log_weeks_apart(view: SearchView, candidates: Candidates) -> Floats:
    if view.opened is None:
        return np.full(len(candidates), _UNKNOWN_LOG_WEEKS)
    is_known = candidates.opened != UNKNOWN_TIME
    seconds = np.abs(np.where(is_known, candidates.opened, view.opened) - view.opened)
    return np.asarray(np.where(is_known, np.log1p(seconds / _SECONDS_A_WEEK), _UNKNOWN_LOG_WEEKS))


def _has_any(asked: Hashes, rows: Ragged) -> Floats:
    return np.minimum(_sums(_is_among(rows.values, asked).astype(np.float64), rows), 1.0)


def _is_among(values: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Tell which values are among the sorted `known` ones; faster than `isin` for short ones."""
    if not len(known):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.asarray(known[places] == values)


def _sums(values: Floats, rows: Ragged) -> Floats:
    """Return the sum of each row's values; an empty row's is 0."""
    running = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(running[rows.starts[1:]] - running[rows.starts[:-1]])

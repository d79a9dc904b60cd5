"""What is usual in a history: the statistics of pair features, frozen when a model learns."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.encoding.word_shares import WordShares, word_shares
from features.search.candidates import Candidates
from features.search.incident_index import IncidentIndex
from features.search.query import NO_SERVICE
from features.search.ragged_array import Hashes
from features.text.tokens import TERM_BUCKETS
from models.statistics.value_counts import ValueCounts

_CHUNK = 4_096
# The general shares of words count as much as this many texts of the history.
_GENERAL_TEXTS = 100
# A value's share starts from these, as if so many incidents were known.
_PRIOR_INCIDENTS, _PRIOR_FACT_SHARE, _PRIOR_SERVICE_SHARE = 4, 0.5, 0.1
_COMMON_SHARE = 0.5
_PRIOR_COMMONNESS = 0.2

LEAST_SHARE: Final = 3e-4
"""The share of texts that have a rare word."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairStatistics:
    """The shares of terms, facts and services in a history, and the mean text vector.

    Terms and the mean vector are counted once for each distinct text, facts and services in each
    incident. Facts and services are counted by the source of the incidents.
    """

    texts: int
    terms: ValueCounts
    general: WordShares
    facts: ValueCounts
    services: ValueCounts
    sources: ValueCounts
    text_centre: Vectors

    def rarity(self, terms: Hashes) -> Floats:
        """Return the weight of each term in 0..1: its inverse document frequency, 1 if rare.

        The document frequency is that of the history, smoothed by the frequency of words in
        general.
        """
        general = np.full(len(terms), LEAST_SHARE)
        if len(self.general.buckets):
            buckets = self.general.buckets
            places = np.minimum(np.searchsorted(buckets, terms), len(buckets) - 1)
            is_known = buckets[places] == terms
            general[is_known] = self.general.shares[places[is_known]]
        known = self.terms.find(terms.astype(np.int64))
        shares = (known + _GENERAL_TEXTS * general) / (self.texts + _GENERAL_TEXTS)
        return _weights(shares)

    def fact_weights(self, facts: Hashes, source: int) -> Floats:
        """Return what agreement on each fact says about two incidents, in 0..1.

        Unrelated incidents agree on a fact as often as it occurs in its source, so the weight is
        the logarithm of its rarity there (Fellegi and Sunter 1969). A fact that more than half of
        the source's incidents have weighs 0.
        """
        return self._value_weights(self.facts, facts, source, _PRIOR_FACT_SHARE)

    def service_weight(self, service: int, source: int) -> float:
        """Return what agreement on a service says, as `fact_weights` does."""
        values = np.array([service])
        return float(self._value_weights(self.services, values, source, _PRIOR_SERVICE_SHARE)[0])

    def commonness(self, vectors: Vectors) -> Floats:
        """Return the mean cosine of each vector with the texts of the history."""
        trust = self.texts / (self.texts + _GENERAL_TEXTS)
        return trust * row_products(vectors, self.text_centre) + (1 - trust) * _PRIOR_COMMONNESS

    def _value_weights(
        self, counts: ValueCounts, values: NDArray[np.integer], source: int, prior: float
    ) -> Floats:
        of_source = int(self.sources.find(np.array([source]))[0])
        known = counts.find(by_source(values, np.full(len(values), source)))
        shares = (known + _PRIOR_INCIDENTS * prior) / (of_source + _PRIOR_INCIDENTS)
        return np.where(shares >= _COMMON_SHARE, 0.0, _weights(shares))


def measure_statistics(index: IncidentIndex) -> PairStatistics:
    """Return the statistics of an index's incidents; without any, words are as common as usual."""
    distinct = index.ids_of_distinct_texts()
    total = np.zeros(index.encoder.dimension)
    terms = np.zeros(TERM_BUCKETS, dtype=np.int64)
    for part in _parts(index, distinct):
        total += part.text_vectors.sum(axis=0)
        terms += np.bincount(part.text_terms.values, minlength=TERM_BUCKETS)
    facts, services, sources = [], [], []
    for part in _parts(index, index.ids()):
        sources_of_facts = np.repeat(part.sources, np.diff(part.facts.starts))
        facts.append(by_source(part.facts.values, sources_of_facts))
        has_service = part.services != NO_SERVICE
        services.append(by_source(part.services[has_service], part.sources[has_service]))
        sources.append(part.sources)
    used = np.flatnonzero(terms)
    return PairStatistics(
        texts=len(distinct),
        terms=ValueCounts(used, terms[used]),
        general=word_shares(index.encoder.reference),
        facts=ValueCounts.of(_joined(facts)),
        services=ValueCounts.of(_joined(services)),
        sources=ValueCounts.of(_joined(sources)),
        text_centre=(total / max(1, len(distinct))).astype(np.float32),
    )


def by_source(values: NDArray[np.integer], sources: Integers) -> Integers:
    """Return a number for each value and the source of its incident."""
    return values.astype(np.int64) * TERM_BUCKETS + sources + 1


def row_products(rows: Vectors, vector: Vectors) -> Floats:
    """Return the product of each row with a vector, the same whatever other rows there are.

    A matrix product may round a row differently if the number of rows differs.
    """
    return np.asarray(np.vecdot(rows, vector), dtype=np.float64)


def _weights(shares: Floats) -> Floats:
    weights = np.log(np.clip(shares, LEAST_SHARE, 1.0)) / np.log(LEAST_SHARE)
    return np.asarray(weights)


def _parts(index: IncidentIndex, ids: list[str]) -> list[Candidates]:
    return [index.gather(ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK)]


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)

"""Estimates how related past incidents are to a report, by a ranker of pairs and a calibration."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.base.parameters import Parameters
from models.similarity.pair_features import FEATURES
from models.similarity.stranger_cohort import MOST_COMPARED, StrangerPairs
from models.similarity.training_pairs import LabelledQuery
from models.statistics.conditional_logit import Ranking, fit_conditional_logit, fit_logit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# `python tests/benchmarks/similar_constants.py` prints the weights for OpenOffice reports, here
# rounded. Those of service and facts, whose features then became logarithms of rarity, and slope,
# intercept and stranger were set by hand, so that one fold of these reports is calibrated.
SHIPPED_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "text_cosine": 15.0,
        "commonness": -11.0,
        "title_cosine": 3.0,
        "shared_terms": 4.0,
        "rarest_term": 3.0,
        "same_signature": 1.0,
        "same_service": 3.5,
        "same_facts": 1.0,
        "log_weeks_apart": -0.9,
    }
)
SHIPPED_SLOPE: Final = 0.7
SHIPPED_INTERCEPT: Final = -0.8
SHIPPED_RATE: Final = 0.35
SHIPPED_CUTOFF: Final = 0.52
STRANGER_SCORE: Final = 8.0
UNLABELLED_CEILING: Final = 0.8
"""The highest relatedness of different texts in a history that does not say what is related.

Of 301 pairs that two people judged (`tests/benchmarks/judged_pairs.py`), three quarters of the
surest were related, but all whose texts were nearly the same.
"""

_LEAST_SPREAD = 0.5
_PRIOR_QUERIES = 20.0
# In a repetitive history, a rate estimated from scores alone would make all candidates related.
_HIGHEST_RATE = 0.5
# From the first to the second cosine of two texts, the ceiling rises to 1.
_DIFFERENT_COSINE, _SAME_COSINE = 0.9, 0.95
# Below a quarter, an incident is probably unrelated, however precise the others are.
_LEAST_CUTOFF = 0.25
# Without labels, estimated precision may be too high by up to this much, so more is required.
_EXTRA_PRECISION = 0.01


class PairRanker(Parameters):
    """Scores pairs by their features: the higher the score, the more likely they are related.

    A conditional logit (McFadden 1974) that chooses a query's relatives, the incidents related to
    it, among its candidates. The weights have a Gaussian prior around the shipped weights. The
    prior's standard deviation is `spread` times the weight, but at least 0.5. So the ranker works
    without any links, and each known link changes the weights.

    >>> PairRanker().fit([]).score(np.eye(len(FEATURES)))[:2].tolist()
    [15.0, -11.0]
    """

    def __init__(self, *, spread: float = 0.5) -> None:
        self.spread = spread

    def fit(self, queries: Sequence[LabelledQuery]) -> Self:
        """Learn from the queries whose candidates include both relatives and other incidents."""
        shipped = np.array([SHIPPED_WEIGHTS[name] for name in FEATURES])
        mixed = [query for query in queries if 0 < query.is_relative.sum() < len(query.features)]
        spread = np.maximum(_LEAST_SPREAD, self.spread * np.abs(shipped))
        self.weights_ = fit_conditional_logit(_rankings(mixed), shipped, spread)
        return self

    def score(self, features: Floats) -> Floats:
        """Return a score for each row of features, the same whatever other rows there are."""
        return np.asarray((features * self.weights_).sum(axis=1))

    def odds(self, features: Floats, strangers: StrangerPairs) -> Floats:
        """Return the log odds of each candidate against the strangers.

        A candidate's score is compared with the sum of the exponential scores of the cohort's
        members that are not near the candidate, and of an imaginary stranger of fixed score. Where
        the cohort has too few members, more imaginary strangers take their places. For a candidate
        without a near member, the member of the highest score does not count: a candidate that is
        itself a member would otherwise have an advantage, because it is never its own stranger.
        """
        scores = self.score(strangers.features)
        is_left_out = strangers.is_near.copy()
        if len(scores):
            is_left_out[~strangers.is_near.any(axis=1), scores.argmax()] = True
        scores = np.where(is_left_out, -np.inf, scores)
        imaginary = 1 + MOST_COMPARED - len(strangers.features)
        fixed = np.full((len(features), 1), STRANGER_SCORE + np.log(imaginary))
        return self.score(features) - _log_sums(np.hstack([fixed, scores]))


@dataclass(frozen=True, slots=True)
class _JudgedPairs:
    """The log odds of pairs against strangers, whether they are related, and their weights."""

    odds: Floats
    is_related: Flags
    weights: Floats


class RelatednessCalibration(Parameters):
    """Turns the log odds of pairs against strangers into probabilities of being related.

    The log odds are scaled (Platt 1999). Slope and intercept have a prior around the shipped
    values. Where more than half of the queries have a relative, their best unrelated candidates are
    added, as if half of all reports were about new issues. If `has_relative` is None for all
    queries, the share of queries that have a relative is estimated from the probabilities alone
    (Saerens, Latinne and Decaestecker 2002), but is at most one half too. Scores cannot say then
    how often similar texts are about different issues in this history, so the probability of a pair
    with different texts is multiplied by `ceiling_`; otherwise this is 1.

    `cutoff_` is chosen from the relatedness of each query's best candidate. It is the lowest of
    these values for which the share of related candidates at or above it, minus one standard error,
    is at least `precision`, but not below a quarter. If `has_relative` is None for all queries, the
    mean relatedness takes the place of the share, and must be at least `precision` + 0.01. If no
    value qualifies, `cutoff_` is the shipped cutoff, or the required precision if the shipped
    cutoff is too low for these queries.

    >>> calibration = RelatednessCalibration().fit(PairRanker().fit([]), [])
    >>> calibration.predict(np.array([7.0, 7.0]), np.array([0.99, 0.7])).round(1).tolist()
    [1.0, 0.8]
    """

    def __init__(self, *, precision: float = 0.82) -> None:
        self.precision = precision

    def fit(self, ranker: PairRanker, queries: Sequence[LabelledQuery]) -> Self:
        """Learn from the best candidate of each query, whether or not the query has a relative."""
        self.slope_, self.intercept_, self.ceiling_ = SHIPPED_SLOPE, SHIPPED_INTERCEPT, 1.0
        queries = [query for query in queries if len(query.features)]
        labelled = [query for query in queries if query.has_relative is not None]
        pairs = _best_pairs(ranker, labelled or queries)
        if labelled:
            self._learn_line(_with_unrelated(pairs, ranker, labelled))
            self.cutoff_ = self._choose_cutoff(pairs, pairs.is_related, self.precision)
            return self
        if queries:
            self._learn_rate(pairs.odds, pairs.weights)
        related = self._scale(pairs.odds)
        cutoff = self._choose_cutoff(pairs, related, self.precision + _EXTRA_PRECISION)
        self.ceiling_ = UNLABELLED_CEILING
        self.cutoff_ = self.ceiling_ * cutoff
        return self

    def predict(self, odds: Floats, text_cosines: Floats) -> Floats:
        """Return the relatedness of pairs, by their log odds against strangers and text cosines."""
        sameness = (text_cosines - _DIFFERENT_COSINE) / (_SAME_COSINE - _DIFFERENT_COSINE)
        ceiling = self.ceiling_ + (1 - self.ceiling_) * np.clip(sameness, 0, 1)
        return np.asarray(ceiling * self._scale(odds))

    def _scale(self, odds: Floats) -> Floats:
        return np.asarray(expit(self.intercept_ + self.slope_ * odds))

    def _learn_line(self, pairs: _JudgedPairs) -> None:
        shipped = np.array([SHIPPED_INTERCEPT, SHIPPED_SLOPE])
        spread = np.array([2.0, 0.25])
        design = np.column_stack([np.ones_like(pairs.odds), pairs.odds])
        weights = pairs.weights / pairs.weights.mean()
        self.intercept_, self.slope_ = fit_logit(
            design, pairs.is_related, shipped, spread, weights
        ).tolist()

    def _learn_rate(self, odds: Floats, weights: Floats) -> None:
        rate, shares = SHIPPED_RATE, weights / weights.sum()
        trust = len(odds) / (len(odds) + _PRIOR_QUERIES)
        for _ in range(200):
            self.intercept_ = float(SHIPPED_INTERCEPT + logit(rate) - logit(SHIPPED_RATE))
            mean = float(shares @ self._scale(odds))
            new_rate = min(trust * mean + (1 - trust) * SHIPPED_RATE, _HIGHEST_RATE)
            if abs(new_rate - rate) < 1e-6:
                break
            rate = new_rate

    def _choose_cutoff(
        self, pairs: _JudgedPairs, is_related: Floats | Flags, precision: float
    ) -> float:
        order = np.argsort(-pairs.odds)
        related, weights = self._scale(pairs.odds[order]), pairs.weights[order]
        means = np.cumsum(is_related[order] * weights) / np.cumsum(weights)
        counts = np.cumsum(weights) ** 2 / np.cumsum(weights**2)
        errors = np.sqrt(means * (1 - means) / counts)
        enough = np.flatnonzero(means - errors >= precision)
        if len(enough):
            return max(float(related[enough[-1]]), _LEAST_CUTOFF)
        is_too_low = (related >= SHIPPED_CUTOFF) & (means + errors < precision)
        return precision if is_too_low.any() else SHIPPED_CUTOFF


def _log_sums(scores: Floats) -> Floats:
    """Return the logarithm of the sum of exponential scores in each row."""
    highest = scores.max(axis=1)
    return np.asarray(highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1)))


def _rankings(queries: Sequence[LabelledQuery]) -> list[Ranking]:
    """Return the queries as rankings; each group counts once, however many incidents it has."""
    sizes = Counter(query.group for query in queries)
    return [
        Ranking(query.features, query.is_relative, weight=1.0 / sizes[query.group])
        for query in queries
    ]


def _best_pairs(ranker: PairRanker, queries: Sequence[LabelledQuery]) -> _JudgedPairs:
    odds_of = [ranker.odds(query.features, query.strangers) for query in queries]
    best = [int(odds.argmax()) for odds in odds_of]
    return _JudgedPairs(
        odds=np.array([odds[row] for odds, row in zip(odds_of, best, strict=True)]),
        is_related=np.array(
            [query.is_relative[row] for query, row in zip(queries, best, strict=True)],
            dtype=np.bool_,
        ),
        weights=np.array([query.weight for query in queries]),
    )


def _with_unrelated(
    pairs: _JudgedPairs, ranker: PairRanker, queries: Sequence[LabelledQuery]
) -> _JudgedPairs:
    """Add the best unrelated candidates of queries, if more than half of the pairs are related.

    Together they weigh as much as is missing. So an incident that is related to no other is known
    to exist even in a history in which everything recurs.
    """
    missing = pairs.weights @ np.where(pairs.is_related, 1 / _HIGHEST_RATE - 1, -1.0)
    mixed = [query for query in queries if 0 < query.is_relative.sum() < len(query.features)]
    if missing <= 0 or not mixed:
        return pairs
    odds = [
        ranker.odds(query.features, query.strangers)[~query.is_relative].max() for query in mixed
    ]
    weights = np.array([query.weight for query in mixed])
    return _JudgedPairs(
        odds=np.concatenate([pairs.odds, odds]),
        is_related=np.concatenate([pairs.is_related, np.zeros(len(odds), dtype=np.bool_)]),
        weights=np.concatenate([pairs.weights, weights * (missing / weights.sum())]),
    )

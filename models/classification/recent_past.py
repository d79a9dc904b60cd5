"""Experts that learned from the recent past only, mixed with a model of all the past."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from features.encoding.encoded_reports import EncodedReports
from models.classification.cross_validation import Rows
from models.classification.expert_pool import CrossFit
from models.classification.experts import expert_scores, recent_expert
from models.classification.timeline import Timeline
from models.statistics.fixed_share import track_best

Floats = NDArray[np.float64]

WINDOWS: Final = (np.inf, 365.0, 180.0, 90.0, 30.0)
"""How many days of the past the experts learn from."""

_MOST_ROUNDS = 24
_FEWEST_DAYS = 7.0
_FEWEST_ROWS, _MOST_ROWS = 20, 2_000
_LEAST_GROWTH = 1.25
_PRIOR_OF_ALL = 0.5
_SHARE = 0.1
_LEAST_WEIGHT = 0.02
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class DatedRows:
    """Labelled rows of a history: their encodings, labels, moments and near-copy groups."""

    encoded: EncodedReports
    labels: Rows
    timeline: Timeline
    copies: Rows

    def known_at(self, origin: float) -> Rows:
        """Return the rows whose labels were known at a moment, in days."""
        return np.flatnonzero((self.timeline.opened < origin) & (self.timeline.known <= origin))

    def fit_windows(self, origin: float) -> dict[float, Pipeline]:
        """Return the experts that learned from each window before a moment, by days.

        A window is left out if it holds too few incidents, or if most of those that would be
        learned from are in a shorter window too.
        """
        known = self.known_at(origin)
        newest_first = known[np.argsort(-self.timeline.opened[known], kind="stable")]
        experts: dict[float, Pipeline] = {}
        shorter = 0
        for days in reversed(WINDOWS):
            is_in_window = self.timeline.opened[newest_first] >= origin - days
            rows = newest_first[is_in_window][:_MOST_ROWS]
            if len(rows) >= max(_FEWEST_ROWS, _LEAST_GROWTH * shorter):
                experts[days] = recent_expert().fit(self.encoded.take(rows), self.labels[rows])
                shorter = len(rows)
        return experts


class RecentPast(BaseEstimator):  # type: ignore[misc]
    """Experts of recent windows, and their weights beside the model of all the past.

    When an organisation changes, incidents from before mislead, and those from after are few. So a
    model of all the past and experts of all, 365, 180, 90 and 30 days are mixed, by weights that
    follow how well each has answered lately (see `track_best`). For that, the held-out
    incidents are cut into at most 24 rounds of at least 7 days; each round is answered by experts
    that learned from what was known when the round began. An expert learns from at most the newest
    2,000 incidents of its window, and from no fewer than 20. In the end experts of little weight
    are dropped; a history without change mostly keeps the model of all its past alone.
    """

    experts_: dict[str, Pipeline]
    weights_: Floats

    def __init__(self, *, classes: int) -> None:
        self.classes = classes

    def fit(self, rows: DatedRows, cross_fit: CrossFit) -> Self:
        """Learn experts and weights; `cross_fit` holds answers of models of all the past.

        `cross_fit_` has the mixed probabilities: each round's, by weights of what was known before.
        """
        # On these small problems, BLAS threads mostly wait for each other.
        with threadpool_limits(1):
            answers = _answer_rounds(rows, cross_fit, self.classes)
            weights = answers.weights_at(np.inf)
            experts = rows.fit_windows(float(np.nanmax(rows.timeline.known)))
        kept = {
            days: expert
            for days, expert in experts.items()
            if weights[1 + WINDOWS.index(days)] >= _LEAST_WEIGHT
        }
        self.experts_ = {_window_name(days): expert for days, expert in kept.items()}
        self.weights_ = weights[[0, *(1 + WINDOWS.index(days) for days in kept)]]
        self.weights_ = self.weights_ / self.weights_.sum()
        self.cross_fit_ = answers.mixed() if kept else cross_fit
        return self

    def take_cross_fit(self) -> CrossFit:
        """Return the mixed probabilities of the held-out rows, and delete them."""
        cross_fit = self.cross_fit_
        del self.cross_fit_
        return cross_fit

    def score(self, encoded: EncodedReports) -> Floats:
        """Return the experts' scores, of shape (experts, reports, classes)."""
        return expert_scores(self.experts_, encoded, self.classes)

    def mix(self, probabilities: Floats, scores: Floats) -> Floats:
        """Return the mixture of the probabilities by all the past and the experts' scores."""
        members = np.concatenate([probabilities[None], softmax(scores, axis=2)])
        return np.asarray(np.tensordot(self.weights_, members, 1))


@dataclass(frozen=True, slots=True)
class _Round:
    """Held-out rows that are answered at the same moment, `origin`; `places` in the cross-fit."""

    origin: float
    places: Rows


@dataclass(frozen=True, slots=True)
class _RoundAnswers:
    """What all the past and each window answered in each round.

    `members` has shape (1 + windows, held-out rows, classes), `losses` (1 + windows, held-out
    rows). `known` are the moments when the labels of the held-out rows became known.
    """

    cross_fit: CrossFit
    rounds: tuple[_Round, ...]
    members: Floats
    losses: Floats
    known: Floats

    def weights_at(self, origin: float) -> Floats:
        """Return the members' weights by the answers to rows that were known at a moment."""
        losses = [
            self.losses[:, round_.places[self.known[round_.places] <= origin]].sum(axis=1)
            for round_ in self.rounds
            if round_.origin < origin
        ]
        recent = np.full(len(WINDOWS), (1 - _PRIOR_OF_ALL) / len(WINDOWS))
        prior = np.array([_PRIOR_OF_ALL, *recent])
        return track_best(np.reshape(losses, (-1, len(prior))), prior, share=_SHARE)

    def mixed(self) -> CrossFit:
        """Return the cross-fit, each round mixed by the weights of its moment."""
        probabilities = self.cross_fit.probabilities.copy()
        for round_ in self.rounds:
            weights = self.weights_at(round_.origin)
            probabilities[round_.places] = np.tensordot(weights, self.members[:, round_.places], 1)
        return CrossFit(self.cross_fit.rows, probabilities)


def _answer_rounds(rows: DatedRows, cross_fit: CrossFit, classes: int) -> _RoundAnswers:
    rounds = tuple(_cut_rounds(rows.timeline.opened[cross_fit.rows]))
    # A window without an expert answers like all the past, so that its weight changes likewise.
    members = np.repeat(cross_fit.probabilities[None], 1 + len(WINDOWS), axis=0)
    weights = np.zeros(len(cross_fit.rows))
    for round_ in rounds:
        asked = cross_fit.rows[round_.places]
        encoded = rows.encoded.take(asked)
        for days, expert in rows.fit_windows(round_.origin).items():
            scores = expert_scores({"": expert}, encoded, classes)[0]
            members[1 + WINDOWS.index(days), round_.places] = softmax(scores, axis=1)
        _, group, sizes = np.unique(rows.copies[asked], return_inverse=True, return_counts=True)
        weights[round_.places] = 1 / sizes[group]
    labels = rows.labels[cross_fit.rows]
    of_label = members[:, np.arange(len(labels)), labels]
    losses = -weights * np.log(np.maximum(of_label, _LEAST_PROBABILITY))
    return _RoundAnswers(cross_fit, rounds, members, losses, rows.timeline.known[cross_fit.rows])


def _cut_rounds(opened: Floats) -> Iterator[_Round]:
    """Cut held-out rows, by the moments of opening, into rounds of equal length in days."""
    first, last = np.nanmin(opened), np.nanmax(opened)
    days = max((last - first) / _MOST_ROUNDS, _FEWEST_DAYS)
    numbers = (opened - first) // days
    for number in np.unique(numbers[np.isfinite(numbers)]):
        yield _Round(float(first + number * days), np.flatnonzero(numbers == number))


def _window_name(days: float) -> str:
    return "all" if np.isinf(days) else f"{days:.0f} days"

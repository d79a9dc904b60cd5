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

WINDOWS: Final = (np.inf, 365.0, 180.0, 90.0, 30.0, 7.0)
"""How many days of the past the experts learn from."""

_MOST_ROUNDS = 24
_FEWEST_DAYS = 7.0
_FEWEST_ROWS, _MOST_ROWS = 20, 2_000
_LEAST_GROWTH = 1.25
_LEAST_MOVE, _DAYS_A_YEAR = 0.1, 365.0
_PRIOR_OF_ALL = 0.5
_SHARE = 0.1
_LEAST_WEIGHT, _LEAST_TOTAL = 0.02, 0.2
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


class WindowExperts:
    """The experts of the windows before a moment that moves on.

    A window is left out if it holds too few incidents, or if most of those that would be learned
    from are in a shorter window too.
    """

    experts: dict[float, Pipeline]

    def __init__(self, rows: DatedRows) -> None:
        self.experts = {}
        self._rows = rows
        self._fitted_at: dict[float, float] = {}

    def refit(self, origin: float) -> None:
        """Fit the experts anew, except those whose window has moved on by less than a tenth."""
        opened, known = self._rows.timeline.opened, self._rows.known_at(origin)
        newest_first = known[np.argsort(-opened[known], kind="stable")]
        shorter = 0
        for days in reversed(WINDOWS):
            rows = newest_first[opened[newest_first] >= origin - days][:_MOST_ROWS]
            if len(rows) < max(_FEWEST_ROWS, _LEAST_GROWTH * shorter):
                self.experts.pop(days, None)
                continue
            shorter = len(rows)
            moved = origin - self._fitted_at.get(days, -np.inf)
            if days not in self.experts or moved >= _LEAST_MOVE * min(days, _DAYS_A_YEAR):
                encoded, labels = self._rows.encoded.take(rows), self._rows.labels[rows]
                self.experts[days] = recent_expert().fit(encoded, labels)
                self._fitted_at[days] = origin


class RecentPast(BaseEstimator):  # type: ignore[misc]
    """Experts of recent windows, and their weights beside the model of all the past.

    When an organisation changes, incidents from before mislead, and those from after are few. So a
    model of all the past and experts of all, 365, 180, 90, 30 and 7 days are mixed, by weights that
    follow how well each has answered lately (see `track_best`). For that, the held-out
    incidents are cut into at most 24 rounds of at least 7 days; each round is answered by experts
    that learned from what was known when the round began. An expert learns from at most the newest
    2,000 incidents of its window, and from no fewer than 20. In the end experts of little weight
    are dropped, and all of them if they have less than a fifth of the weight: a history without
    change mostly keeps the model of all its past alone.
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
            windows = WindowExperts(rows)
            windows.refit(float(np.nanmax(rows.timeline.known)))
        weights = dict(zip(WINDOWS, answers.weights_at(np.inf)[1:].tolist(), strict=True))
        kept = {days: weights[days] for days in windows.experts if weights[days] >= _LEAST_WEIGHT}
        if sum(kept.values()) < _LEAST_TOTAL:
            kept = {}
        self.experts_ = {_window_name(days): windows.experts[days] for days in kept}
        self.weights_ = np.array([1.0 - sum(kept.values()), *kept.values()])
        self.cross_fit_ = answers.mixed() if kept else cross_fit
        labels = rows.labels[cross_fit.rows]
        self.losses_ = [_mean_loss(one, labels) for one in (cross_fit, self.cross_fit_)]
        return self

    def describe(self) -> str:
        """Return which past counts how much, and what it gained on held-out incidents."""
        shares = [
            f"{weight:.0%} by an expert of {name}"
            for name, weight in zip(self.experts_, self.weights_[1:], strict=True)
        ]
        before, after = self.losses_
        return (
            f"of each answer, {self.weights_[0]:.0%} is by a model of all the past and "
            f"{', '.join(shares)}: the log loss of held-out incidents is {after:.3f} instead of "
            f"{before:.3f}"
        )

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
    windows = WindowExperts(rows)
    for round_ in rounds:
        windows.refit(round_.origin)
        asked = cross_fit.rows[round_.places]
        encoded = rows.encoded.take(asked)
        for days, expert in windows.experts.items():
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


def _mean_loss(cross_fit: CrossFit, labels: Rows) -> float:
    of_label = cross_fit.probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, _LEAST_PROBABILITY)).mean())


def _window_name(days: float) -> str:
    return "the newest incidents" if np.isinf(days) else f"the last {days:.0f} days"

"""Learns experts of the recent past, and when they answer better than a model of all the past."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from features.encoding.encoded_reports import EncodedReports
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.experts import pipeline_scores, recent_expert
from models.classification.learning.fit_expert_pool import compile_experts
from models.classification.learning.timeline import Timeline
from models.classification.recent_past import RecentPast
from models.classification.scorers.scorer import Floats, Rows, spread_scores
from models.statistics.leading_history import follow_leading_history

_MOST_ROUNDS, _LONGER = 24, 1.15
_FEWEST_DAYS = 7.0
_FEWEST_ROWS, _MOST_ROWS = 20, 2_000
_FIRST_STARTS = 4
_MOST_EXPERTS = 8
_LEAST_GROWTH = 1.1
_PRIOR_OF_ALL, _NEWCOMERS = 0.5, 0.2
_LEAST_WEIGHT, _LEAST_TOTAL = 0.02, 0.2
_LEAST_PROBABILITY = 1e-6
_SECONDS_A_DAY = 86_400


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


@dataclass(frozen=True, slots=True)
class FittedRecentPast:
    """What was learned: None and no pipelines if the experts have too little weight.

    `cross_fit` has the mixed probabilities: each round's, by weights of what was known before.
    """

    recent_past: RecentPast | None
    pipelines: Mapping[str, Pipeline]
    cross_fit: CrossFit


def fit_recent_past(rows: DatedRows, cross_fit: CrossFit, *, classes: int) -> FittedRecentPast:
    """Learn experts and weights; `cross_fit` holds answers of models of all the past.

    When an organisation changes, incidents from before mislead, and those from after are few. So a
    model of all the past is mixed with experts that learn from what was opened since a moment on,
    by weights that follow how well each has answered lately (see `follow_leading_history`). For
    that, the held-out incidents are cut into rounds. Each round is answered by experts that learned
    from what was known when it began, and begins a new expert, so that after a change one of them
    learns from the new time alone. The first experts begin with the newest 2,000 incidents, and
    with a half, a quarter and an eighth of them. At most eight are kept, those of most weight. In
    the end experts of little weight are dropped, and all of them if they have less than a fifth of
    the weight: a history without change mostly keeps the model of all its past alone.
    """
    # On these small problems, BLAS threads mostly wait for each other.
    with threadpool_limits(1):
        contest = _Contest(rows, cross_fit, classes)
        experts, weights = contest.run()
    kept = [start for start in experts if weights[start] >= _LEAST_WEIGHT]
    if not kept:
        return FittedRecentPast(None, {}, cross_fit)
    pipelines = {_name(start): experts[start] for start in kept}
    later = [weights[start] for start in kept]
    mixed = CrossFit(cross_fit.rows, contest.mixed)
    labels = rows.labels[cross_fit.rows]
    recent_past = RecentPast(
        classes=classes,
        experts=compile_experts(pipelines, rows.encoded),
        weights=np.array([1.0 - sum(later), *later]),
        losses=(_mean_loss(cross_fit, labels), _mean_loss(mixed, labels)),
    )
    return FittedRecentPast(recent_past, pipelines, mixed)


class LaterExperts:
    """Experts by the moment, in days, since which they learn: from the newest 2,000 incidents."""

    experts: dict[float, Pipeline]

    def __init__(self, rows: DatedRows) -> None:
        self.experts = {}
        self._rows = rows
        self._learned: dict[float, int] = {}

    def refit(self, origin: float, starts: Iterable[float]) -> None:
        """Keep the experts of these starts alone, and fit those with a tenth more to learn.

        A start with fewer than 20 known incidents has no expert yet.
        """
        opened, known = self._rows.timeline.opened, self._rows.known_at(origin)
        experts = {}
        for start in starts:
            since = known[opened[known] >= start]
            if len(since) < _FEWEST_ROWS:
                continue
            if len(since) >= _LEAST_GROWTH * self._learned.get(start, 0):
                newest = since[np.argsort(-opened[since], kind="stable")][:_MOST_ROWS]
                encoded, labels = self._rows.encoded.take(newest), self._rows.labels[newest]
                self.experts[start] = recent_expert().fit(encoded, labels)
                self._learned[start] = len(since)
            experts[start] = self.experts[start]
        self.experts = experts


@dataclass(frozen=True, slots=True)
class _Round:
    """Held-out rows that are answered at the same moment, `origin`; `places` in the cross-fit."""

    origin: float
    places: Rows


class _Contest:
    """All the past and the experts answer each round, mixed by weights of what was known before.

    `mixed` has the mixed probabilities of the held-out rows.
    """

    mixed: Floats

    def __init__(self, rows: DatedRows, cross_fit: CrossFit, classes: int) -> None:
        self._rows, self._cross_fit, self._classes = rows, cross_fit, classes
        self._rounds = tuple(_cut_rounds(rows.timeline.opened[cross_fit.rows]))
        self._starts = self._choose_starts()
        self._known = rows.timeline.known[cross_fit.rows]
        self._labels = rows.labels[cross_fit.rows]
        # The first row is of all the past, each other one of a start.
        self._losses = np.full((1 + len(self._starts), len(cross_fit.rows)), np.nan)
        self.mixed = cross_fit.probabilities.copy()

    def run(self) -> tuple[dict[float, Pipeline], dict[float, float]]:
        """Answer all rounds; return the final experts and their weights by start.

        There are none if the weight of all experts together is less than a fifth.
        """
        experts = LaterExperts(self._rows)
        for number, round_ in enumerate(self._rounds):
            weights = self._weights(self._rounds[:number], round_.origin)
            experts.refit(round_.origin, self._choose_experts(weights, round_.origin))
            self._answer(round_, experts.experts, self._rounds[:number])
        weights = self._weights(self._rounds, np.inf)
        if weights[1:].sum() < _LEAST_TOTAL:
            return {}, {}
        now = float(np.nanmax(self._rows.timeline.known))
        experts.refit(now, self._choose_experts(weights, now))
        numbers = {start: 1 + self._starts.index(start) for start in experts.experts}
        weights = self._weights(self._rounds, np.inf, taking_part=[0, *numbers.values()])
        return experts.experts, {start: float(weights[n]) for start, n in numbers.items()}

    def _choose_starts(self) -> tuple[float, ...]:
        """Return the moments since which an expert may learn, the earliest first."""
        origins = [round_.origin for round_ in self._rounds]
        opened = self._rows.timeline.opened
        before = np.sort(opened[self._rows.known_at(min(origins, default=-np.inf))])[-_MOST_ROWS:]
        counts = [len(before) >> halvings for halvings in range(_FIRST_STARTS)]
        first = [float(before[-count]) for count in counts if count >= _FEWEST_ROWS]
        return tuple(dict.fromkeys((*first, *origins)))

    def _choose_experts(self, weights: Floats, origin: float) -> list[float]:
        """Return the starts of most weight, and those that have not taken part yet."""
        has_begun = np.isfinite(self._losses[1:]).any(axis=1)
        heaviest = np.argsort(-weights[1:], kind="stable")[: _MOST_EXPERTS - 1]
        return [
            start
            for number, start in enumerate(self._starts)
            if start < origin
            and (not has_begun[number] or (number in heaviest and weights[1 + number] > 0))
        ]

    def _answer(
        self, round_: _Round, experts: Mapping[float, Pipeline], before: Sequence[_Round]
    ) -> None:
        asked = self._cross_fit.rows[round_.places]
        encoded, labels = self._rows.encoded.take(asked), self._labels[round_.places]
        members = {0: self._cross_fit.probabilities[round_.places]}
        for start, expert in experts.items():
            known = pipeline_scores(expert, encoded)
            scores = spread_scores(known, expert.classes_, self._classes)
            members[1 + self._starts.index(start)] = softmax(scores, axis=1)
        weights = self._weights(before, round_.origin, taking_part=list(members))
        self.mixed[round_.places] = sum(
            weights[number] * probabilities for number, probabilities in members.items()
        )
        _, group, sizes = np.unique(
            self._rows.copies[asked], return_inverse=True, return_counts=True
        )
        for number, probabilities in members.items():
            of_label = np.maximum(probabilities[np.arange(len(labels)), labels], _LEAST_PROBABILITY)
            self._losses[number, round_.places] = -np.log(of_label) / sizes[group]

    def _weights(
        self, rounds: Sequence[_Round], origin: float, taking_part: Sequence[int] = ()
    ) -> Floats:
        """Return the members' weights by the answers to rows that were known at a moment.

        `taking_part` are the numbers of the members of the round that begins then.
        """
        losses = []
        for round_ in rounds:
            is_member = np.isfinite(self._losses[:, round_.places]).any(axis=1)
            known = round_.places[self._known[round_.places] <= origin]
            losses.append(np.where(is_member, self._losses[:, known].sum(axis=1), np.nan))
        if taking_part:
            losses.append(np.full(len(self._losses), np.nan))
            losses[-1][list(taking_part)] = 0.0
        return follow_leading_history(
            np.reshape(losses, (-1, len(self._losses))), first=_PRIOR_OF_ALL, newcomers=_NEWCOMERS
        )


def _cut_rounds(opened: Floats) -> Sequence[_Round]:
    """Cut held-out rows, by the moments of opening, into at most 24 rounds, the earliest first.

    The newest round has at least 20 rows and 7 days; each earlier one is 15% longer at least.
    """
    dated = np.flatnonzero(np.isfinite(opened))
    order = dated[np.argsort(opened[dated], kind="stable")]
    rounds: list[_Round] = []
    days = _FEWEST_DAYS
    while len(order) and len(rounds) < _MOST_ROUNDS - 1:
        moments = opened[order]
        begin = min(moments[-1] - days, moments[-min(_FEWEST_ROWS, len(order))])
        first = int(np.searchsorted(moments, begin))
        if first < _FEWEST_ROWS:
            break
        rounds.append(_Round(float(moments[first]), order[first:]))
        order, days = order[:first], days * _LONGER
    if len(order):
        rounds.append(_Round(float(opened[order[0]]), order))
    return rounds[::-1]


def _mean_loss(cross_fit: CrossFit, labels: Rows) -> float:
    of_label = cross_fit.probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, _LEAST_PROBABILITY)).mean())


def _name(start: float) -> str:
    return f"since {datetime.fromtimestamp(start * _SECONDS_A_DAY, UTC):%Y-%m-%d %H:%M:%S.%f}"

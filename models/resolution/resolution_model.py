"""The kind `resolution`: how long an incident takes, and the risks of breach and reassignment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Self

import numpy as np

from features.domain.opening_context import OpeningContext
from features.domain.report import ResolvedIncident
from features.errors import NotEnoughHistory
from models.base.report_model import ReportModel
from models.resolution.boosted_scores import BoostedScores, Risk, hazard_curves
from models.resolution.conformal_levels import ConformalLevels, observation_weights
from models.resolution.context_features import ContextFeatures
from models.resolution.learning.fit_trees import fit_hazards, fit_risk
from models.resolution.observations import NO_TARGETS, Flags, Floats, Observations, observe
from models.resolution.past_contexts import learning_order, past_contexts
from models.resolution.resolution_predictor import (
    BREACH,
    REASSIGNMENT,
    TARGET,
    TIMES,
    ResolutionPredictor,
)
from models.resolution.survival_curves import choose_edges, periods_of

FEWEST = 10
MOST_LEARNED = 20_000

_PARTS, _FOLDS = 6, 3
_FEWEST_PERIODS = 2
_UNTOLD = {
    TIMES: "the hours are not known: too few incidents tell when they were resolved",
    BREACH: "the risk of a breach is not known: too few incidents tell whether they met their "
    "target time",
    REASSIGNMENT: "the risk of a reassignment is not known: the history does not record any",
}
_UNPROVEN = {
    TIMES: "the hours are not foreseen better than by the history as a whole",
    BREACH: "breaches are not foreseen better than by their share",
    REASSIGNMENT: "reassignments are not foreseen better than by their share",
}
_MOST_WEIGHT = 10.0


class ResolutionModel(ResolutionPredictor, ReportModel):
    """Learns the time to resolve from resolved and open incidents, and the two risks.

    A discrete-time hazard model gives each incident a distribution, in which open incidents count
    as censored. The levels to read for the three quantiles are cross-conformal (Vovk 2015): each
    sixth of the history is scored by a model of other parts (see `ConformalLevels`). The risks are
    those of each period in which an incident may be resolved, weighted by its distribution.

    >>> from datetime import UTC, timedelta
    >>> from features.domain.report import IncidentReport, Outcome
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> past = []
    >>> for number in range(40):
    ...     opened_at = noon + timedelta(hours=number)
    ...     ended_at = opened_at + timedelta(hours=1 + number % 5)
    ...     report = IncidentReport(f"INC{number}", opened_at, service="vpn")
    ...     past.append(ResolvedIncident(report, Outcome(resolved_at=ended_at)))
    >>> forecast = ResolutionModel().fit(past).predict([past[0].report])[0]
    >>> 1 <= forecast.lower_hours <= forecast.median_hours <= forecast.upper_hours <= 5
    True
    >>> forecast.breach_probability is None
    True
    """

    def fit(
        self,
        examples: Sequence[ResolvedIncident],
        *,
        cutoff: datetime | None = None,
        target_hours: Mapping[str, float] = NO_TARGETS,
    ) -> Self:
        """Learn from past incidents, as they are known at a cutoff (see `observe`).

        Raises `NotEnoughHistory` if fewer than 10 incidents tell of a time, a target or a
        reassignment.
        """
        newest = learning_order(examples, seed=self.seed)[-MOST_LEARNED:]
        contexts = past_contexts(examples, newest, seed=self.seed)
        seen = observe(examples, cutoff=cutoff, target_hours=target_hours)
        return self.learn(contexts, seen.take(newest), target_hours=target_hours)

    def learn(
        self,
        contexts: Sequence[OpeningContext],
        seen: Observations,
        *,
        target_hours: Mapping[str, float] = NO_TARGETS,
    ) -> Self:
        """Learn from the contexts and observations of incidents, from the first to the last."""
        self.features_ = ContextFeatures().fit(contexts)
        self.target_hours_ = dict(target_hours)
        features = self.features_.transform(contexts)
        self.edges_, self.hazards_, self.levels_ = np.zeros(0), None, ConformalLevels()
        timed = np.flatnonzero(seen.is_timed)
        if int(seen.is_resolved[timed].sum()) >= FEWEST:
            self._learn_times(features[timed], seen.take(timed))
        self.breach_ = self._learn_risk(features, seen, seen.missed == 1, seen.missed)
        self.reassignment_ = self._learn_risk(features, seen, seen.reassigned == 1, seen.reassigned)
        parts = {TIMES: self.hazards_, BREACH: self.breach_, REASSIGNMENT: self.reassignment_}
        self.unknown_ = {name: _UNTOLD[name] for name, part in parts.items() if part is None}
        if len(self.unknown_) == len(parts):
            del self.features_
            raise NotEnoughHistory(
                f"{TARGET}: fewer than {FEWEST} incidents tell when they were resolved, whether "
                "they met their target time or whether they were reassigned"
            )
        return self

    def keep_parts(self, names: Collection[str]) -> None:
        """Answer only with the named parts, of `times`, `breach` and `reassignment`."""
        for name, reason in _UNPROVEN.items():
            if name not in names:
                self.unknown_.setdefault(name, reason)

    def predictor(self) -> ResolutionPredictor:
        """Return the part of the fitted model that serves; its answers are those of the model."""
        self._check_trained()
        predictor = ResolutionPredictor.__new__(ResolutionPredictor)
        vars(predictor).update(vars(self))
        return predictor

    def _learn_times(self, features: Floats, seen: Observations) -> None:
        """Fit on all, after scoring each part by a model of others to calibrate the levels."""
        weights = observation_weights(seen.hours, seen.is_resolved, seen.follow_up)
        scores = np.full(len(seen), np.nan)
        folds = np.arange(len(seen)) * _PARTS // len(seen) % _FOLDS
        for fold in range(_FOLDS):
            rest, held_out = folds != fold, folds == fold
            edges, hazards = self._fit_hazards(features[rest], seen.take(rest), weights[rest])
            if hazards is not None:
                curves = hazard_curves(hazards, edges, features[held_out])
                scores[held_out] = curves.probability_by(seen.hours[held_out])
        scored = np.isfinite(scores) & seen.is_resolved
        if scored.any():
            self.levels_ = ConformalLevels.of(scores[scored], weights[scored], len(seen))
        self.edges_, self.hazards_ = self._fit_hazards(features, seen, weights)

    def _fit_hazards(
        self, features: Floats, seen: Observations, weights: Floats
    ) -> tuple[Floats, BoostedScores | None]:
        """Return the ends of the periods and the hazards, None if all took equally long."""
        is_resolved = seen.is_resolved
        edges = choose_edges(seen.hours[is_resolved], weights[is_resolved])
        if len(edges) < _FEWEST_PERIODS:
            return edges, None
        return edges, fit_hazards(features, seen.hours, is_resolved, edges, seed=self.seed)

    def _learn_risk(
        self, features: Floats, seen: Observations, is_true: Flags, outcome: Floats
    ) -> Risk | None:
        """Fit a risk on the resolved incidents whose outcome is known, by period if it is known."""
        known = np.flatnonzero(np.isfinite(outcome) & seen.is_resolved)
        timed = known[seen.is_timed[known]]
        depends_on_time = self.hazards_ is not None and len(timed) >= FEWEST
        rows = timed if depends_on_time else known
        if len(rows) < FEWEST or len(set(is_true[rows].tolist())) < 2:
            return None
        inputs = features[rows]
        if depends_on_time:
            inputs = np.column_stack([inputs, periods_of(seen.hours[rows], self.edges_)])
        return Risk(fit_risk(inputs, is_true[rows], seed=self.seed), depends_on_time)

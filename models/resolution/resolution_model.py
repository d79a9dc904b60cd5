"""The kind `resolution`: how long an incident takes, and the risks of breach and reassignment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Self

import numpy as np

from features.domain.opening_context import OpeningContext
from features.domain.report import ResolvedIncident
from features.errors import NotEnoughHistory
from models.base.report_model import ReportModel
from models.resolution.boosted_scores import BoostedScores, Risk
from models.resolution.conformal_levels import ConformalLevels, observation_weights
from models.resolution.context_features import ContextFeatures
from models.resolution.learning.fit_trees import fit_hazards, fit_risk, fit_sigmoid
from models.resolution.observations import NO_TARGETS, Flags, Floats, Observations, Rows, observe
from models.resolution.past_contexts import learning_order, past_contexts
from models.resolution.resolution_predictor import (
    BREACH,
    REASSIGNMENT,
    TARGET,
    TIMES,
    ResolutionPredictor,
    hazard_curves,
)
from models.resolution.survival_curves import choose_edges

FEWEST = 10
MOST_LEARNED = 20_000

_HELD_OUT = 0.25
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
    as censored. The newest quarter of the incidents calibrates it: the levels to read for the three
    quantiles are conformal (see `ConformalLevels`). Then it is fitted again on all incidents.

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
        contexts = past_contexts(examples, seed=self.seed)
        seen = observe(examples, cutoff=cutoff, target_hours=target_hours)
        learned = [contexts[row] for row in newest.tolist()]
        return self.learn(learned, seen.take(newest), target_hours=target_hours)

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
        weights = _risk_weights(seen)
        self.edges_, self.hazards_, self.levels_ = np.zeros(0), None, ConformalLevels()
        if int((seen.is_timed & seen.is_resolved).sum()) >= FEWEST:
            self._learn_times(features[seen.is_timed], seen.take(seen.is_timed))
        self.breach_ = self._learn_risk(features, seen.missed, weights)
        self.reassignment_ = self._learn_risk(features, seen.reassigned, weights)
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
        kept = {TIMES: "hazards_", BREACH: "breach_", REASSIGNMENT: "reassignment_"}
        for name, attribute in kept.items():
            if name not in names and getattr(self, attribute) is not None:
                setattr(self, attribute, None)
                self.unknown_[name] = _UNPROVEN[name]

    def predictor(self) -> ResolutionPredictor:
        """Return the part of the fitted model that serves; its answers are those of the model."""
        self._check_trained()
        predictor = ResolutionPredictor.__new__(ResolutionPredictor)
        vars(predictor).update(vars(self))
        return predictor

    def _learn_times(self, features: Floats, seen: Observations) -> None:
        """Calibrate the newest quarter by a fit on the rest, then fit on all."""
        weights = observation_weights(seen.hours, seen.is_resolved, seen.follow_up)
        past, newest = _hold_out_newest(np.arange(len(seen)))
        if seen.is_resolved[past].any():
            edges, hazards = self._fit_hazards(features[past], seen.take(past), weights[past])
            held_out = seen.take(newest)
            curves = hazard_curves(hazards, edges, features[newest])
            self.levels_ = _calibrate(curves.probability_by(held_out.hours), held_out)
        self.edges_, self.hazards_ = self._fit_hazards(features, seen, weights)

    def _fit_hazards(
        self, features: Floats, seen: Observations, weights: Floats
    ) -> tuple[Floats, BoostedScores]:
        is_resolved = seen.is_resolved
        edges = choose_edges(seen.hours[is_resolved], weights[is_resolved])
        return edges, fit_hazards(features, seen.hours, is_resolved, edges, seed=self.seed)

    def _learn_risk(self, features: Floats, outcome: Floats, weights: Floats) -> Risk | None:
        """Calibrate a risk on the newest quarter of what is known, then fit on all."""
        known = np.flatnonzero(np.isfinite(outcome) & (weights > 0))
        is_true = outcome == 1
        if len(known) < FEWEST or len(set(is_true[known].tolist())) < 2:
            return None
        past, newest = _hold_out_newest(known)
        slope, intercept = 1.0, 0.0
        if len(set(is_true[past].tolist())) == 2:
            trees = fit_risk(features[past], is_true[past], weights[past], seed=self.seed)
            slope, intercept = fit_sigmoid(
                trees.score(features[newest]), is_true[newest], weights[newest]
            )
        trees = fit_risk(features[known], is_true[known], weights[known], seed=self.seed)
        return Risk(trees, slope, intercept)


def _hold_out_newest(rows: Rows) -> tuple[Rows, Rows]:
    count = round(_HELD_OUT * len(rows))
    return rows[: len(rows) - count], rows[len(rows) - count :]


def _calibrate(scores: Floats, seen: Observations) -> ConformalLevels:
    weights = observation_weights(seen.hours, seen.is_resolved, seen.follow_up)
    is_resolved: Flags = seen.is_resolved
    return ConformalLevels.of(scores[is_resolved], weights[is_resolved], len(seen))


def _risk_weights(seen: Observations) -> Floats:
    """Return for how many incidents each one stands whose outcome is final; 0 for open ones."""
    weights = seen.is_resolved.astype(np.float64)
    timed = np.flatnonzero(seen.is_timed)
    if len(timed):
        of_timed = seen.take(timed)
        observed = observation_weights(of_timed.hours, of_timed.is_resolved, of_timed.follow_up)
        weights[timed] = np.minimum(observed, _MOST_WEIGHT)
    return weights

"""Measures forecasts of resolution on held-out incidents, beside what all incidents share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from models.base.estimate import Estimate
from models.base.model_card import Metric
from models.base.predictions import ResolutionPrediction
from models.classification.scorers.scorer import Rows
from models.resolution.baseline import Baseline, log_losses, pinball_losses
from models.resolution.conformal_levels import observation_weights
from models.resolution.observations import Observations
from models.resolution.resolution_predictor import BREACH, REASSIGNMENT, TIMES
from training.evaluation.bootstrap import Floats, bootstrap

FEWEST_JUDGED = 50
BASELINE = "all incidents alike"

_LEAST_HOURS = 1 / 60
_MOST_HOURS = 1e5


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """The metrics of the times or of one risk, and the gain in loss over the baseline.

    A negative `gain` is better than the baseline.
    """

    name: str
    metrics: tuple[Metric, ...]
    gain: Estimate

    @property
    def beats_baseline(self) -> bool:
        """Whether the paired interval of the gain lies below zero."""
        return self.gain.high < 0


def judge_resolution(
    predictions: Sequence[ResolutionPrediction],
    seen: Observations,
    baseline: Baseline,
    blocks: Rows,
) -> tuple[JudgedPart, ...]:
    """Judge each part for which at least 50 outcomes are known; intervals resample the blocks.

    Resolved incidents also stand for those that are still open and take as long (see
    `observation_weights`).
    """
    parts = (
        _judge_times(predictions, seen, baseline, blocks),
        _judge_risk(
            BREACH,
            [p.breach_probability for p in predictions],
            seen.missed,
            baseline.breach,
            blocks,
        ),
        _judge_risk(
            REASSIGNMENT,
            [p.reassignment_probability for p in predictions],
            seen.reassigned,
            baseline.reassignment,
            blocks,
        ),
    )
    return tuple(part for part in parts if part is not None)


def _judge_times(
    predictions: Sequence[ResolutionPrediction],
    seen: Observations,
    baseline: Baseline,
    blocks: Rows,
) -> JudgedPart | None:
    timed = np.flatnonzero(seen.is_timed)
    of_timed = seen.take(timed)
    observed = observation_weights(of_timed.hours, of_timed.is_resolved, of_timed.follow_up)
    is_resolved = observed > 0
    rows, weights = timed[is_resolved], observed[is_resolved]
    bounds = np.array(
        [[p.lower_hours, p.median_hours, p.upper_hours] for p in predictions], dtype=np.float64
    ).reshape(-1, 3)[rows]
    if len(rows) < FEWEST_JUDGED or np.isnan(bounds[:, 1]).all():
        return None
    hours, bounds = seen.hours[rows], np.nan_to_num(bounds, nan=_MOST_HOURS)
    losses = pinball_losses(hours, np.maximum(bounds, _LEAST_HOURS))
    base_losses = pinball_losses(hours, baseline.quantiles)
    lower, _, upper = baseline.quantiles

    def mean(values: Floats) -> Estimate:
        return bootstrap(
            lambda weight: float((weight * weights) @ values / (weight @ weights)), blocks[rows]
        )

    covered = mean(_is_between(hours, bounds[:, 0], bounds[:, 2]))
    covered_by_baseline = mean(_is_between(hours, lower, upper)).value
    return JudgedPart(
        TIMES,
        (
            Metric("interval_coverage", *covered.triple, covered_by_baseline, BASELINE),
            Metric("pinball_loss", *mean(losses).triple, mean(base_losses).value, BASELINE),
        ),
        mean(losses - base_losses),
    )


def _judge_risk(
    name: str,
    risks: Sequence[float | None],
    outcome: Floats,
    base_rate: float,
    blocks: Rows,
) -> JudgedPart | None:
    probability = np.array(risks, dtype=np.float64)
    rows = np.flatnonzero(np.isfinite(outcome) & np.isfinite(probability))
    truth, risk = outcome[rows], probability[rows]
    if len(rows) < FEWEST_JUDGED or len(np.unique(truth)) < 2 or not np.isfinite(base_rate):
        return None
    losses, base_losses = log_losses(truth, risk), log_losses(truth, base_rate)

    def mean(values: Floats) -> Estimate:
        return bootstrap(lambda weight: float(weight @ values / weight.sum()), blocks[rows])

    def area(weight: Floats) -> float:
        has_both = weight[truth == 1].any() and weight[truth == 0].any()
        return float(roc_auc_score(truth, risk, sample_weight=weight)) if has_both else 0.5

    return JudgedPart(
        name,
        (
            Metric(f"{name}_roc_auc", *bootstrap(area, blocks[rows]).triple, 0.5, BASELINE),
            Metric(f"{name}_log_loss", *mean(losses).triple, mean(base_losses).value, BASELINE),
        ),
        mean(losses - base_losses),
    )


def _is_between(hours: Floats, lower: Floats | float, upper: Floats | float) -> Floats:
    return np.asarray((hours >= lower) & (hours <= upper), dtype=np.float64)

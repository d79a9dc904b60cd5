"""Precedent's anomaly model on labelled series, fed as the stream would feed it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from telemetry_data import Floats, LabelledSeries

from models.timeseries.anomaly_model import AnomalyModel

Tier = Literal["full", "light"]
TIERS: tuple[Tier, ...] = ("full", "light")


@dataclass(frozen=True, slots=True)
class OurScores:
    """Score and expected false alarms a week of one series, shape (points,)."""

    scores: Floats
    alarms_per_week: Floats


def score_ours(series: LabelledSeries, tier: Tier) -> OurScores:
    """Score one series from its first point to its last."""
    model = AnomalyModel(tier=tier, step_seconds=series.step_seconds)
    scores = model.update(model.start(1), series.times, series.values[np.newaxis].copy())
    return OurScores(scores.score[0].astype(float), scores.alarms_per_week[0].astype(float))


def state_bytes(tier: Tier) -> int:
    """Return the bytes that a series' state takes."""
    return len(AnomalyModel(tier=tier).start(1)[0].tobytes())

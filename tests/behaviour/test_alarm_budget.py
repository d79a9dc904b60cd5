"""A budget of false alarms is about what a responder gets, and trouble is among them."""

import numpy as np
import pytest
from scipy.signal import lfilter

from models.base.series_model import SeriesScores
from models.timeseries.anomaly_flags import find_flags
from models.timeseries.anomaly_model import TIERS, AnomalyModel

pytestmark = pytest.mark.quality

STEP = 300
PER_DAY = 86_400 // STEP
SERIES, DAYS, FLAGGED_DAYS = 12, 35, 30
BEGIN = 1_772_409_600
TIMES = BEGIN + STEP * np.arange(DAYS * PER_DAY)
TROUBLE = slice(30 * PER_DAY + 50, 30 * PER_DAY + 50 + PER_DAY // 12)


@pytest.fixture(scope="module")
def usual() -> np.ndarray:
    """Series without trouble: each its own season, level and scale, and noise with heavy tails.

    As of real series, the noise of one point is much of the next one's.
    """
    rng = np.random.default_rng(5)
    phase, height = rng.uniform(0, 6.3, (SERIES, 1)), rng.uniform(0.5, 5, (SERIES, 1))
    season = height * np.sin(2 * np.pi * TIMES / 86_400 + phase)
    noise = lfilter([1], [1, -0.8], rng.standard_t(4, (SERIES, len(TIMES))))
    return 10.0 ** rng.integers(-2, 4, (SERIES, 1)) * (20 + season + noise)


def flags_of(tier: str, values: np.ndarray, budget_per_week: float):
    model = AnomalyModel(tier=tier, step_seconds=STEP)
    output = model.update(model.start(len(values)), TIMES, values)
    arrays = (
        output.score,
        output.alarms_per_week,
        output.expected,
        output.lower,
        output.upper,
    )
    return [
        find_flags(
            TIMES,
            values[row],
            SeriesScores(*(scores[row] for scores in arrays), output.channel[row]),
            budget_per_week=budget_per_week,
            step_seconds=STEP,
        )
        for row in range(len(values))
    ]


@pytest.mark.parametrize("budget", [1, 7])
@pytest.mark.parametrize("tier", TIERS)
def test_flags_are_about_as_many_as_the_budget(tier, budget, usual):
    counts = [len(flags) for flags in flags_of(tier, usual, budget)]
    rate = sum(counts) / SERIES / (FLAGGED_DAYS / 7)
    assert budget / 2.2 <= rate <= budget * 2.2
    assert max(counts) / (FLAGGED_DAYS / 7) <= 4 * budget


@pytest.mark.parametrize("tier", TIERS)
def test_trouble_is_flagged_from_its_onset_with_its_effect(tier, usual):
    spread = usual.std(axis=1, keepdims=True)
    troubled = usual.copy()
    troubled[:, TROUBLE] += 6 * spread
    begin, end = TIMES[TROUBLE.start], TIMES[TROUBLE.stop - 1]
    for row, flags in enumerate(flags_of(tier, troubled, 1)):
        hits = [flag for flag in flags if abs(flag.detected_at.timestamp() - begin) <= end - begin]
        assert hits, f"series {row} has no flag"
        assert abs(hits[0].onset_at.timestamp() - begin) <= 1_800
        assert hits[0].direction == "up"
        assert 0.5 < hits[0].effect / (6 * spread[row, 0]) < 1.5

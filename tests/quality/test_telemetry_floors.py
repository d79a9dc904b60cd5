"""What the anomaly model reached on real series, so that a change for the worse is seen."""

from dataclasses import replace

import numpy as np
import pytest
from telemetry_data import load_wsd, telemetry_is_here
from telemetry_ours import score_ours
from telemetry_peers import PEERS
from telemetry_scoring import AlarmScorer, ScoredSeries, compare_recall, event_recall

pytestmark = pytest.mark.quality

RECALL_FLOOR = 0.72


@pytest.fixture(scope="module")
def wsd():
    if not telemetry_is_here():
        pytest.skip("no telemetry in the folder that PRECEDENT_DATA names")
    return load_wsd()


def _alarms(series, scores):
    pairs = zip(series, scores, strict=True)
    scored = [ScoredSeries(curve.times, its, curve.is_event) for curve, its in pairs]
    return AlarmScorer(scored).judge_carried(1.0)


def test_recall_at_one_false_alarm_a_week(wsd):
    ours = _alarms(wsd, [score_ours(curve, "full").scores for curve in wsd])
    plain = PEERS["sum of channels"].score
    summed = _alarms(wsd, [plain(curve.values, curve.step_seconds) for curve in wsd])
    assert event_recall(ours).value >= RECALL_FLOOR
    assert compare_recall(ours, summed).low > 0


def test_scores_see_only_the_past(wsd):
    whole, cut = wsd[0], len(wsd[0].times) // 2
    half = replace(whole, times=whole.times[:cut], values=whole.values[:cut])
    early, all_scores = score_ours(half, "full").scores, score_ours(whole, "full").scores
    assert np.array_equal(early, all_scores[:cut], equal_nan=True)

"""The scorers of anomaly detectors on examples small enough to be worked out by hand."""

import math

import numpy as np
import pytest
from telemetry_nab import NabSeries, ScoredRows, carried_nab_score, count_probation
from telemetry_point_f1 import ScoredCurve, carried_f1
from telemetry_scoring import (
    AlarmScorer,
    ScoredSeries,
    compare_recall,
    event_recall,
    find_runs,
    high_rate,
    mean_rate,
    median_delay,
)

DAY = 1440
_SIX_DAYS, _TWELVE_DAYS = 6 * DAY, 12 * DAY


def _series(alarms, events=(), days=12):
    """Return a series by the minute: `alarms` maps a minute to its score."""
    scores, is_event = np.zeros(days * DAY), np.zeros(days * DAY, bool)
    for minute, score in alarms.items():
        scores[minute] = score
    for start, stop in events:
        is_event[start:stop] = True
    return ScoredSeries(60 * np.arange(days * DAY), scores, is_event)


def test_an_hour_of_exceedances_is_one_false_alarm():
    hour = {_SIX_DAYS + minute: 9.0 for minute in range(60)}
    (alarms,) = AlarmScorer([_series(hour)]).judge_at(1.0)
    assert alarms.false_alarms == 1
    (alarms,) = AlarmScorer([_series({**hour, _SIX_DAYS + 60: 9.0})]).judge_at(1.0)
    assert alarms.false_alarms == 2


def test_warm_up_is_neither_counted_nor_judged():
    series = _series({DAY: 9.0, 2 * DAY: 9.0}, events=[(2 * DAY, 2 * DAY + 5)])
    (alarms,) = AlarmScorer([series]).judge_at(1.0)
    assert (alarms.false_alarms, len(alarms.delays)) == (0, 0)
    assert alarms.weeks == pytest.approx(1, abs=1e-3)


def test_recall_and_delay():
    events = [(_SIX_DAYS, _SIX_DAYS + 10), (7 * DAY, 7 * DAY + 10)]
    alarms = AlarmScorer([_series({_SIX_DAYS + 4: 9.0, 8 * DAY: 9.0}, events)]).judge_at(1.0)
    assert event_recall(alarms).value == 0.5
    assert median_delay(alarms) == 4
    assert mean_rate(alarms).value == high_rate(alarms) == pytest.approx(1, abs=1e-3)


def test_a_missing_score_never_alarms():
    (alarms,) = AlarmScorer([_series({_SIX_DAYS: np.nan})]).judge_at(-np.inf)
    everything_else = AlarmScorer([_series({})]).judge_at(-np.inf)[0]
    assert alarms.false_alarms == everything_else.false_alarms == 7 * 24


def test_threshold_comes_from_other_series():
    """The first series alone would alarm at 5; the other one's false alarms reach 8."""
    event = [(_SIX_DAYS, _SIX_DAYS + 10)]
    quiet = _series({_SIX_DAYS: 5.0}, event)
    noisy = _series({_SIX_DAYS + 100 * n: 8.0 for n in range(1, 20)})
    first, second = AlarmScorer([quiet, noisy]).judge_carried(1.0, folds=2)
    assert event_recall([first]).value == 0.0
    assert second.false_alarms == 19


def test_threshold_is_the_lowest_that_keeps_the_budget():
    """Scores 1 to 6 are hours apart in one week of judged time: a budget of 3 allows 4 to 6."""
    steps = {_SIX_DAYS + 120 * score: float(score) for score in range(1, 7)}
    alarms = AlarmScorer([_series(steps), _series(steps)]).judge_carried(3.01, folds=2)
    assert [series.false_alarms for series in alarms] == [3, 3]


def test_paired_comparison():
    event = [(_SIX_DAYS, _SIX_DAYS + 10)]
    hit = AlarmScorer([_series({_SIX_DAYS: 9.0}, event)] * 4).judge_at(1.0)
    missed = AlarmScorer([_series({}, event)] * 4).judge_at(1.0)
    gain = compare_recall(hit, missed)
    assert (gain.value, gain.low, gain.high) == (1.0, 1.0, 1.0)


def test_point_adjusted_f1_is_limited_in_delay():
    """Train and test hold an event of 20 points each; found at the eighth point, not the ninth."""

    def curve(delay):
        scores, is_event = np.zeros(_TWELVE_DAYS), np.zeros(_TWELVE_DAYS, bool)
        for start, late in ((_SIX_DAYS, 0), (10 * DAY, delay)):
            is_event[start : start + 20] = True
            scores[start + late] = 5.0
        scores[11 * DAY] = 5.0
        times = 60 * np.arange(_TWELVE_DAYS)
        return ScoredCurve(times, scores, is_event, np.arange(_TWELVE_DAYS) >= 8 * DAY)

    assert carried_f1([curve(7)], per_curve=True).value == pytest.approx(2 * 20 / (2 * 20 + 1))
    assert carried_f1([curve(8)], per_curve=True).value == 0.0


def _rows(detections, window=slice(50, 60), rows=100):
    scores, is_window = np.zeros(rows), np.zeros(rows, bool)
    scores[list(detections)] = 1.0
    is_window[window] = True
    return ScoredRows(scores, is_window)


def _raw(detections):
    return float(NabSeries(_rows(detections)).score(np.array([0.5]))[0])


def _sigmoid(position):
    return 2 / (1 + math.exp(5 * position)) - 1


def test_nab_worked_example():
    """A window of rows 50 to 59 of 100, of which the first 15 are probation."""
    assert count_probation(100) == 15
    assert _raw([]) == -1
    assert _raw([50]) == pytest.approx(1.0)
    assert _raw([59]) == pytest.approx(_sigmoid(-0.1) / _sigmoid(-1))
    assert _raw([50, 55, 59]) == pytest.approx(1.0), "only the first detection counts"
    assert _raw([20]) == pytest.approx(-1 - 0.11), "before any window the cost is full"
    assert _raw([10]) == -1, "probation is not judged"
    assert _raw([63]) == pytest.approx(-1 + 0.11 * _sigmoid(4 / 9)), "near miss costs less"
    assert _raw([99]) == pytest.approx(-1 - 0.11), "more than three windows past it is full again"


def test_nab_normalisation():
    perfect, silent = [_rows([50])] * 4, [_rows([])] * 4
    assert carried_nab_score(perfect).value == pytest.approx(100)
    half = [*[_rows([50])] * 2, *silent[:2]]
    assert carried_nab_score(half).value == pytest.approx(50)


def test_runs():
    assert find_runs(np.zeros(3, bool)) == []
    assert find_runs(np.ones(3, bool)) == [slice(0, 3)]

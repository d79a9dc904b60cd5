"""Which announced routine a found one is, and what the announcement says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from features.domain.telemetry.series_routine import SeriesRoutine
from models.timeseries.announced_routines import is_same, sentence_of
from models.timeseries.routines import Routine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP = SeriesRoutine(
    "1", "k", "latency", None, "ms", "up", "06:00", "day", 1_800.0, 320.0, 900.0, 4, NOON
)
DOWN = replace(UP, direction="down", lower=100.0, upper=330.0)


def found(size: float, lower: float, upper: float) -> Routine:
    return Routine("06:00", "day", 1_800.0, lower, upper, 5, size)


@pytest.mark.parametrize(
    ("announced", "size", "lower", "upper", "is_one"),
    [
        (UP, 580.0, 320.0, 900.0, True),
        (UP, 700.0, 310.0, 1_020.0, True),
        (UP, 300.0, 600.0, 900.0, True),  # the usual values have followed it half the way
        (UP, 320.0, 320.0, 640.0, True),
        (UP, 250.0, 320.0, 570.0, False),
        (UP, 900.0, 320.0, 1_220.0, False),
        (UP, -580.0, 320.0, 900.0, False),
        (DOWN, -220.0, 100.0, 330.0, True),
        (DOWN, -60.0, 260.0, 330.0, False),
        (UP, 100.0, 850.0, 1_000.0, False),  # nothing is left between the usual and the announced
    ],
)
def test_routines_of_one_direction_and_about_one_size_are_the_same(
    announced, size, lower, upper, is_one
):
    assert is_same(announced, found(size, lower, upper)) is is_one


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "daily 06:00, 30 min, 320 to 900 ms; no longer flagged"),
        (
            {"every": "week", "at": "Saturday 03:00", "duration_seconds": 9_000.0, "unit": None},
            "every Saturday 03:00, 2.5 h, 320 to 900; no longer flagged",
        ),
        (
            {"every": "irregular", "at": None, "duration_seconds": 0.0, "lower": -0.123_46},
            "at any time, 1 min, -0.123 to 900 ms; no longer flagged",
        ),
        ({"revoked_at": NOON}, "daily 06:00, 30 min, 320 to 900 ms; flagged again"),
        ({"ended_at": NOON}, "daily 06:00, 30 min, 320 to 900 ms; flagged again"),
    ],
)
def test_the_sentence_says_when_how_long_and_how_far(changed, sentence):
    assert sentence_of(replace(UP, **changed)) == sentence

"""After a drift, confidence is what models of the past support, or every answer abstains."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from training.evaluation.drift_doubt import OriginCheck, check_parts, judge_confidence
from training.evaluation.metrics import HeldOutPredictions


def checks(*excesses: float, confidence: float = 0.8, classes: int = 4) -> list[OriginCheck]:
    return [
        OriginCheck(
            datetime(2026, month, 1, tzinfo=UTC), 90, confidence, confidence - excess, classes
        )
        for month, excess in enumerate(excesses, start=1)
    ]


def test_doubt_makes_confidence_equal_accuracy_on_average() -> None:
    found = checks(0.12, 0.08, 0.1)
    doubt = judge_confidence(found, ordered=True)
    assert not doubt.abstains
    assert sum(check.excess(doubt.doubt) for check in found) == pytest.approx(0)
    assert "spread over all labels" in doubt.statement


def test_confidence_that_held_is_kept() -> None:
    doubt = judge_confidence(checks(-0.03, 0.01, 0.02), ordered=True)
    assert (doubt.doubt, doubt.abstains) == (0, False)


def test_levels_abstain_if_other_origins_do_not_foretell_the_doubt() -> None:
    doubt = judge_confidence(checks(-0.02, 0.2, -0.02), ordered=True)
    assert doubt.abstains
    assert "+0.20 on 90 incidents after 2026-02-01" in doubt.statement
    assert not judge_confidence(checks(-0.02, 0.2, -0.02), ordered=False).abstains


def test_levels_abstain_if_nothing_can_be_checked() -> None:
    assert judge_confidence([], ordered=True).abstains
    assert not judge_confidence([], ordered=False).abstains


def test_parts_of_held_out_answers_are_checked_in_order_of_opening() -> None:
    count = 120
    is_right = np.arange(count) < 60
    predictions = HeldOutPredictions(
        labels=np.zeros(count, dtype=np.int64),
        predicted=np.where(is_right, 0, 1),
        confidence=np.full(count, 0.9),
        log_loss=np.zeros(count),
        blocks=np.arange(count),
        classes=3,
    )
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    opened = [begin + timedelta(days=1000 if right else 0) for right in is_right]
    first, last = check_parts(predictions, opened)
    assert (first.accuracy, last.accuracy) == (0, 1)
    assert (first.answers, first.confidence, first.classes) == (60, pytest.approx(0.9), 3)
    assert first.origin == begin
    assert check_parts(predictions, opened[:0]) == ()

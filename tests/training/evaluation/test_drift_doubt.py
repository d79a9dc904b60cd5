"""After a drift, confidence is what models of the past support, or every answer abstains."""

from datetime import UTC, datetime

import pytest

from training.evaluation.drift_doubt import OriginCheck, judge_confidence


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

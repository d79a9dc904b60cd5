"""The gate: better than the baseline, and not worse than the champion."""

from dataclasses import replace

import numpy as np
import pytest

from training.evaluate import Evaluation
from training.gate import judge_challenger
from training.metrics import Judged

ROWS = 2000
CLASSES = ("a", "b", "c")


def judged(wrong: int, loss: float, rows: int = ROWS) -> Judged:
    """Right but for the first `wrong` rows, with about this log loss."""
    labels = np.arange(rows) % 3
    predicted = labels.copy()
    predicted[:wrong] = (labels[:wrong] + 1) % 3
    noise = np.random.default_rng(0).normal(0, 0.2, rows)
    return Judged(labels, predicted, np.full(rows, 0.8), loss + noise, np.arange(rows) // 4, 3)


def evaluation(wrong: int = 200, loss: float = 0.4, rows: int = ROWS) -> Evaluation:
    return Evaluation(
        rows=np.arange(rows),
        fingerprints=tuple(f"print{row}" for row in range(rows)),
        classes=CLASSES,
        judged=judged(wrong, loss, rows),
        baseline=judged(rows // 2, 1.1, rows),
        metrics=(),
    )


def champion(wrong: int, rows: int = ROWS) -> dict[str, str]:
    predicted = judged(wrong, 0.4, rows).predicted
    return {f"print{row}": CLASSES[number] for row, number in enumerate(predicted)}


def test_better_than_the_baseline_without_champion_is_promoted() -> None:
    verdict = judge_challenger(evaluation(), None, ordered=False)
    assert verdict.promoted
    assert "no champion" in verdict.reasons[-1]


@pytest.mark.parametrize("loss", [1.1, 1.6], ids=["equal", "worse"])
def test_no_better_than_the_baseline_is_not_promoted(loss: float) -> None:
    verdict = judge_challenger(evaluation(loss=loss), None, ordered=False)
    assert not verdict.promoted
    assert "baseline" in verdict.reasons[0]


def test_gain_within_noise_is_not_promoted() -> None:
    noisy = evaluation(loss=1.09, rows=30)
    spread = np.random.default_rng(1).normal(0, 2, 30)
    noisy = replace(noisy, judged=replace(noisy.judged, log_loss=noisy.judged.log_loss + spread))
    assert not judge_challenger(noisy, None, ordered=False).promoted


@pytest.mark.parametrize("ordered", [False, True], ids=["accuracy", "kappa"])
@pytest.mark.parametrize(
    ("champions_errors", "promoted"),
    [(160, False), (200, True), (202, True), (260, True)],
    ids=["two points worse", "equal", "slightly better", "better"],
)
def test_challenger_must_hold_against_the_champion(
    champions_errors: int, promoted: bool, ordered: bool
) -> None:
    verdict = judge_challenger(evaluation(200), champion(champions_errors), ordered=ordered)
    assert verdict.promoted is promoted
    assert "2000 shared" in verdict.reasons[-1]


def test_half_a_point_is_tolerated() -> None:
    assert judge_challenger(evaluation(200), champion(192), ordered=False).promoted
    assert not judge_challenger(evaluation(200), champion(188), ordered=False).promoted


def test_incidents_that_only_one_of_them_judged_do_not_count() -> None:
    shared = dict(list(champion(0).items())[200:])
    strangers = {f"other{row}": "a" for row in range(500)}
    assert judge_challenger(evaluation(200), shared | strangers, ordered=False).promoted


def test_too_few_shared_incidents_are_not_compared() -> None:
    few = dict(list(champion(0).items())[:99])
    verdict = judge_challenger(evaluation(200), few, ordered=False)
    assert verdict.promoted
    assert "99" in verdict.reasons[-1]


def test_label_that_the_challenger_does_not_know_is_an_error_of_the_champion() -> None:
    renamed = dict.fromkeys(champion(0), "old name")
    assert judge_challenger(evaluation(200), renamed, ordered=False).promoted

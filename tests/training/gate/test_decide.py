"""The gate: better than the baseline, and better than the champion or no worse and fresher."""

from dataclasses import replace

import numpy as np
import pytest

from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions
from training.evaluation.slices import Slice
from training.gate.decide import judge_challenger
from training.gate.opponents import LATER, Opponent, Opponents

ROWS = 2000
CLASSES = ("a", "b", "c")
FRESHER = "its data end 30 days later"


def judged(wrong: int, loss: float, rows: int = ROWS) -> HeldOutPredictions:
    """Right but for the first `wrong` rows, with about this log loss."""
    labels = np.arange(rows) % 3
    predicted = labels.copy()
    predicted[:wrong] = (labels[:wrong] + 1) % 3
    noise = np.random.default_rng(0).normal(0, 0.2, rows)
    return HeldOutPredictions(
        labels, predicted, np.full(rows, 0.8), loss + noise, np.arange(rows) // 4, 3
    )


def evaluation(wrong: int = 200, loss: float = 0.4, rows: int = ROWS) -> Evaluation:
    return Evaluation(
        rows=np.arange(rows),
        copies=np.arange(rows) // 4,
        fingerprints=tuple(f"print{row}" for row in range(rows)),
        classes=CLASSES,
        judged=judged(wrong, loss, rows),
        baseline=judged(rows // 2, 1.1, rows),
        metrics=(),
    )


def opponent(wrong: int, rows: int = ROWS, version: str = "1") -> Opponent:
    predicted = judged(wrong, 0.4, rows).predicted
    return Opponent(version, np.arange(rows), tuple(CLASSES[number] for number in predicted))


ROLLED_BACK = "Ana rolled back to version 1 on 2026-03-01: mail went astray"


def meet(
    champion: Opponent,
    *past: Opponent,
    ours: Evaluation | None = None,
    freshness=FRESHER,
    rolled_back=None,
    ordered=False,
):
    opponents = Opponents(champion, freshness, past, rolled_back=rolled_back)
    return judge_challenger(ours or evaluation(), opponents, ordered=ordered)


def test_better_than_the_baseline_without_champion_is_promoted() -> None:
    verdict = judge_challenger(evaluation(), Opponents(), ordered=False)
    assert verdict.promoted
    assert "no champion" in verdict.reasons[-1]


def test_a_champion_that_cannot_answer_is_named_in_a_warning():
    opponents = Opponents(warnings=("version 1 cannot answer",))
    verdict = judge_challenger(evaluation(), opponents, ordered=False)
    assert verdict.promoted
    assert verdict.warnings == ("version 1 cannot answer",)
    assert not any("no champion before" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("loss", [1.1, 1.6], ids=["equal", "worse"])
def test_no_better_than_the_baseline_is_not_promoted(loss: float) -> None:
    verdict = judge_challenger(evaluation(loss=loss), Opponents(), ordered=False)
    assert not verdict.promoted
    assert "baseline" in verdict.reasons[0]


def test_gain_within_noise_is_not_promoted() -> None:
    noisy = evaluation(loss=1.09, rows=30)
    spread = np.random.default_rng(1).normal(0, 2, 30)
    noisy = replace(noisy, judged=replace(noisy.judged, log_loss=noisy.judged.log_loss + spread))
    assert not judge_challenger(noisy, Opponents(), ordered=False).promoted


def test_first_version_with_a_main_figure_below_the_baseline_is_not_promoted() -> None:
    # The log loss is better, but fewer answers are right than with the most frequent label.
    verdict = judge_challenger(evaluation(wrong=1200), Opponents(), ordered=True)
    assert not verdict.promoted
    assert verdict.reasons[0].startswith("better than the baseline: gain in log loss")
    assert any(
        reason.startswith("below the baseline: accuracy -0.100, 95% interval -0.1")
        for reason in verdict.reasons
    )
    assert not any("no champion before" in reason for reason in verdict.reasons)


def test_first_version_within_noise_of_the_baseline_is_promoted() -> None:
    assert judge_challenger(evaluation(wrong=1005), Opponents(), ordered=True).promoted


def test_main_figures_below_the_baseline_do_not_stop_a_better_challenger() -> None:
    verdict = meet(opponent(1400), ours=evaluation(wrong=1200))
    assert verdict.promoted


@pytest.mark.parametrize("ordered", [False, True], ids=["accuracy", "kappa"])
@pytest.mark.parametrize(
    ("champions_errors", "freshness", "promoted"),
    [
        (160, FRESHER, False),
        (160, None, False),
        (200, FRESHER, True),
        (200, None, False),
        (202, FRESHER, True),
        (202, None, False),
        (260, FRESHER, True),
        (260, None, True),
    ],
)
def test_challenger_must_be_better_or_no_worse_and_fresher(
    champions_errors: int, freshness: str | None, promoted: bool, ordered: bool
) -> None:
    verdict = meet(opponent(champions_errors), freshness=freshness, ordered=ordered)
    assert verdict.promoted is promoted
    champions = verdict.comparisons[1]
    assert champions.metric == ("quadratic kappa" if ordered else "accuracy")
    assert (champions.incidents, champions.groups) == (2000, 500)
    assert champions.low <= champions.value <= champions.high
    if not ordered:
        assert champions.value == pytest.approx((champions_errors - 200) / 2000)


def test_half_a_point_is_tolerated() -> None:
    alone = replace(evaluation(), copies=np.arange(ROWS))
    alone = replace(alone, judged=replace(alone.judged, blocks=np.arange(ROWS)))
    assert meet(opponent(192), ours=alone).promoted
    assert not meet(opponent(188), ours=alone).promoted


def test_noise_may_not_hide_a_point() -> None:
    """Both err as often, but in different incidents: how far apart they are cannot be told."""
    ours = evaluation(0)
    errors = np.random.default_rng(0).permutation(ROWS)[:600]
    wrong = (ours.judged.labels + 1) % 3
    mine, theirs = ours.judged.labels.copy(), ours.judged.labels.copy()
    mine[errors[:300]], theirs[errors[300:]] = wrong[errors[:300]], wrong[errors[300:]]
    ours = replace(ours, judged=replace(ours.judged, predicted=mine))
    verdict = meet(Opponent("1", np.arange(ROWS), tuple(CLASSES[n] for n in theirs)), ours=ours)
    assert verdict.comparisons[1].value == 0
    assert not verdict.promoted
    assert "too uncertain" in verdict.reasons[-1]


def test_incidents_that_only_one_of_them_judged_do_not_count() -> None:
    shared = Opponent("1", np.arange(200, ROWS), opponent(0).predicted[200:])
    assert meet(shared).promoted
    assert "1,800 incidents" in meet(shared).reasons[1]


@pytest.mark.parametrize("freshness", [FRESHER, None])
def test_too_few_shared_groups_are_not_compared(freshness: str | None) -> None:
    few = Opponent("1", np.arange(76), opponent(0).predicted[:76])
    verdict = meet(few, freshness=freshness)
    assert verdict.promoted is (freshness is not None)
    assert "76" in verdict.reasons[-1]


def test_on_few_shared_groups_worse_beyond_noise_is_refused() -> None:
    worse, alike = opponent(0), opponent(200)
    for version, is_promoted in ((worse, False), (alike, True)):
        few = Opponent("1", np.arange(396), version.predicted[:396])
        assert meet(few).promoted is is_promoted


@pytest.mark.parametrize(("errors", "rows"), [(200, ROWS), (0, 76)], ids=["no worse", "few"])
def test_freshness_does_not_undo_what_a_person_rolled_back(errors: int, rows: int) -> None:
    champion = opponent(errors, rows)
    assert meet(champion).promoted
    verdict = meet(champion, rolled_back=ROLLED_BACK)
    assert not verdict.promoted
    assert ROLLED_BACK in verdict.reasons[-1]
    assert meet(opponent(260), rolled_back=ROLLED_BACK).promoted


def test_a_champion_that_answered_none_of_them_is_not_compared() -> None:
    assert meet(Opponent("1", np.array([], dtype=np.int64), ())).promoted


def test_label_that_the_challenger_does_not_know_is_an_error_of_the_champion() -> None:
    assert meet(Opponent("1", np.arange(ROWS), ("old name",) * ROWS), freshness=None).promoted


def test_small_losses_do_not_add_up_over_a_year() -> None:
    champion, better, best = opponent(196), opponent(195, version="2"), opponent(170, version="3")
    assert meet(champion, better).promoted
    verdict = meet(champion, better, best)
    assert not verdict.promoted
    assert "best champion of the past year (version 3)" in verdict.reasons[-1]
    assert verdict.comparisons[-1].value == pytest.approx(-0.015)


def test_a_champion_of_the_past_year_that_shares_too_little_is_left_out() -> None:
    few = Opponent("3", np.arange(396), opponent(0).predicted[:396])
    assert meet(opponent(200), few).promoted


def sliced(*sizes: int) -> Evaluation:
    """An evaluation whose first rows are in slices of these sizes."""
    ends = np.cumsum(sizes)
    parts = tuple(
        Slice("service", f"s{number}", np.arange(end - size, end))
        for number, (size, end) in enumerate(zip(sizes, ends, strict=True))
    )
    return replace(evaluation(200), slices=parts)


def test_a_large_slice_that_falls_beyond_doubt_vetoes() -> None:
    """The challenger errs in the first 200 incidents, the champion in the 300 last."""
    theirs = np.array(opponent(0).predicted)
    theirs[-300:] = "none"
    champion = Opponent("1", np.arange(ROWS), tuple(theirs.tolist()))
    assert meet(champion).promoted
    verdict = meet(champion, ours=sliced(600, 400, 1000))
    assert not verdict.promoted
    assert "service s0" in verdict.reasons[-1]
    assert [comparison.name for comparison in verdict.comparisons[2:]] == [
        "service s0",
        "service s1",
        "service s2",
    ]
    assert verdict.comparisons[2].value == pytest.approx(-200 / 600)


def test_a_small_slice_that_falls_is_a_warning() -> None:
    theirs = np.array(opponent(0).predicted)
    theirs[-300:] = "none"
    champion = Opponent("1", np.arange(ROWS), tuple(theirs.tolist()))
    verdict = meet(champion, ours=sliced(396, 600, 1004))
    assert verdict.promoted
    (warning,) = verdict.warnings
    assert "-0.505 in service s0" in warning


def test_a_verdict_is_readable_by_machines() -> None:
    figures = meet(opponent(202)).figures()
    assert figures["the champion (version 1)"]["value"] == 0.001
    assert "the most frequent label" in figures


def in_the_newest_period(ours: Evaluation, *, loss: float) -> Evaluation:
    """Return the evaluation with this log loss on its last quarter, the newest period."""
    is_newest = np.arange(ROWS) >= ROWS * 3 // 4
    moved = ours.judged.log_loss - ours.judged.log_loss.mean() + loss
    log_loss = np.where(is_newest, moved, ours.judged.log_loss)
    return replace(ours, judged=replace(ours.judged, log_loss=log_loss), is_newest=is_newest)


def test_better_than_the_baseline_in_the_newest_period_alone_is_enough() -> None:
    ours = in_the_newest_period(evaluation(loss=1.4), loss=0.5)
    verdict = judge_challenger(ours, Opponents(), ordered=False)
    assert verdict.promoted
    assert "in the newest period" in verdict.reasons[0]
    assert len(verdict.comparisons) == 2


def test_against_a_champion_no_worse_than_the_baseline_is_enough() -> None:
    as_good, worse = evaluation(loss=1.1), evaluation(loss=1.2)
    assert meet(opponent(260), ours=as_good).promoted
    assert not meet(opponent(260), ours=worse).promoted
    assert not judge_challenger(as_good, Opponents(), ordered=False).promoted


def test_worse_than_the_baseline_in_the_newest_period_is_refused() -> None:
    ours = in_the_newest_period(evaluation(loss=0.4), loss=1.6)
    verdict = judge_challenger(ours, Opponents(), ordered=False)
    assert not verdict.promoted
    assert "not better than the baseline in the newest period" in verdict.reasons[0]


def test_better_on_what_came_since_is_enough_against_the_champion() -> None:
    champion = opponent(wrong=190)
    later = Opponent("1", np.arange(200, 280), ("a",) * 80, LATER)
    opponents = Opponents(champion, None, later=later)
    verdict = judge_challenger(evaluation(), opponents, ordered=False)
    assert verdict.promoted
    assert not meet(champion, freshness=None).promoted

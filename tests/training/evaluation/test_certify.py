"""Certificates hold what they promise, and are issued when the evidence is there."""

from collections.abc import Callable

import numpy as np
import pytest

from models.base.predictions import Certificate
from training.evaluation.binomial_intervals import lower_bound
from training.evaluation.certify import GRID, certify
from training.evaluation.metrics import HeldOutPredictions


def judged(
    right: np.ndarray, confidence: np.ndarray, predicted: np.ndarray | None = None
) -> HeldOutPredictions:
    predicted = np.zeros(len(right), dtype=np.int64) if predicted is None else predicted
    labels = np.where(right, predicted, (predicted + 1) % 4)
    rows = np.arange(len(right))
    return HeldOutPredictions(labels, predicted, confidence, np.ones(len(right)), rows, 4)


CLASSES = ("a", "b", "c", "d")
SEEDS = 300
# Two standard deviations of so many draws at one in twenty.
NOISE = 2 * np.sqrt(0.05 * 0.95 / SEEDS)


def sure(count: int) -> HeldOutPredictions:
    return judged(np.ones(count, dtype=bool), np.full(count, 0.9995))


def test_precision_below_the_wanted_is_rarely_certified_for_rare_classes() -> None:
    issued = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        outcomes, confidence = rng.random(60) < 0.915, rng.uniform(0.4, 1, 60)
        issued += bool(certify(judged(outcomes, confidence), CLASSES, np.arange(60)).certificates)
    assert issued / SEEDS <= 0.05 + NOISE


def test_high_precision_is_mostly_certified() -> None:
    issued = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        certification = certify(
            judged(rng.random(400) < 0.998, rng.uniform(0.4, 1, 400)), CLASSES, np.arange(400)
        )
        issued += "a" in certification.certificates
    assert issued >= 40


def test_thirty_six_right_answers_certify_and_thirty_five_do_not() -> None:
    assert certify(sure(35), CLASSES, np.arange(35)).certificates == {}
    (certificate,) = certify(sure(36), CLASSES, np.arange(36)).certificates.values()
    assert (certificate.n, certificate.precision_at_least, certificate.pooled) == (36, 0.92, True)
    passing, failing, none = lower_bound(np.array([36, 35, 0]), np.array([36, 35, 10]))
    assert passing >= 0.92 > failing
    assert none == 0


def test_near_copies_count_once() -> None:
    assert certify(sure(500), CLASSES, np.arange(500) % 35).certificates == {}
    (certificate,) = certify(sure(500), CLASSES, np.arange(500) % 40).certificates.values()
    assert certificate.n == 40


def test_threshold_keeps_the_unsure_out() -> None:
    confidence = np.concatenate([np.full(200, 0.97), np.full(200, 0.6)])
    right = np.concatenate([np.ones(200, dtype=bool), np.arange(200) % 2 == 0])
    certificate = certify(judged(right, confidence), CLASSES, np.arange(400)).certificates["a"]
    assert 0.6 < certificate.threshold <= 0.97
    # The walk stops where the first unsure ones would be accepted, at the last proven threshold.
    assert (certificate.n, certificate.pooled) == (200, False)


def test_failure_at_the_top_is_not_made_good_lower_down() -> None:
    confidence = np.concatenate([np.full(50, 0.9995), np.full(900, 0.9)])
    right = np.concatenate([np.arange(50) % 2 == 0, np.ones(900, dtype=bool)])
    assert right.mean() > 0.97
    assert certify(judged(right, confidence), CLASSES, np.arange(950)).certificates == {}


def test_rare_classes_are_tested_together_and_common_ones_alone() -> None:
    predicted = np.repeat([0, 1, 2], [150, 20, 20])
    certificates = certify(
        judged(np.ones(190, dtype=bool), np.full(190, 0.9995), predicted), CLASSES, np.arange(190)
    ).certificates
    assert sorted(certificates) == ["a", "b", "c"]
    assert (certificates["a"].n, certificates["a"].pooled) == (150, False)
    assert (certificates["b"].n, certificates["b"].pooled) == (40, True)
    assert certificates["c"] == certificates["b"]


def test_bad_common_class_does_not_profit_from_the_others() -> None:
    predicted = np.repeat([0, 1], [150, 150])
    right = np.concatenate([np.arange(150) % 2 == 0, np.ones(150, dtype=bool)])
    certification = certify(judged(right, np.full(300, 0.9995), predicted), CLASSES, np.arange(300))
    assert list(certification.certificates) == ["b"]


def test_lower_promise_is_easier_to_keep() -> None:
    right = np.arange(300) % 10 > 0
    confidence = np.full(300, 0.95)
    assert certify(judged(right, confidence), CLASSES, np.arange(300)).certificates == {}
    certificates = certify(
        judged(right, confidence), CLASSES, np.arange(300), precision=0.8
    ).certificates
    assert certificates["a"].precision_at_least == 0.8


def test_higher_promise_begins_where_it_can_be_kept() -> None:
    # Fifty-nine right answers in a row are the fewest that prove 95%.
    assert certify(sure(58), CLASSES, np.arange(58), precision=0.95).certificates == {}
    (certificate,) = certify(sure(59), CLASSES, np.arange(59), precision=0.95).certificates.values()
    assert certificate.n == 59
    confidence = np.concatenate([np.full(40, 0.9995), np.full(60, 0.95)])
    certification = certify(
        judged(np.ones(100, dtype=bool), confidence), CLASSES, np.arange(100), precision=0.95
    )
    assert certification.certificates["a"].threshold <= 0.95


def test_copies_that_disagree_do_not_profit_from_the_order_of_the_export() -> None:
    # Sorted by label: of each pair the first is right, the second carries another label.
    copies = np.tile(np.arange(200), 2)
    right = np.repeat([True, False], 200)
    assert certify(judged(right, np.full(400, 0.9995)), CLASSES, copies).certificates == {}


def rising(confidence: np.ndarray) -> np.ndarray:
    """Calibrated: the precision above a threshold falls below .92 somewhere on the way down."""
    return confidence


def flattered(confidence: np.ndarray) -> np.ndarray:
    return confidence - 0.06


def just_below(confidence: np.ndarray) -> np.ndarray:
    return np.full(len(confidence), 0.9195)


def excellent(confidence: np.ndarray) -> np.ndarray:
    return np.full(len(confidence), 0.998)


Curve = Callable[[np.ndarray], np.ndarray]


def drawn_confidence(rng: np.random.Generator, rows: int) -> np.ndarray:
    return 1 - 0.5 * rng.beta(0.8, 2.5, rows)


def true_precisions(curve: Curve) -> dict[float, float]:
    """The precision above each threshold, of so many answers that chance plays no part."""
    confidence = drawn_confidence(np.random.default_rng(99), 200_000)
    precision = curve(confidence)
    return {threshold: precision[confidence >= threshold].mean() for threshold in GRID}


def drawn(curves: list[Curve], rows: int, seed: int) -> HeldOutPredictions:
    rng = np.random.default_rng(seed)
    confidence = drawn_confidence(rng, rows * len(curves))
    parts = np.split(confidence, len(curves))
    precision = np.concatenate([curve(part) for curve, part in zip(curves, parts, strict=True)])
    predicted = np.repeat(np.arange(len(curves)), rows)
    right = rng.random(len(confidence)) < precision
    labels = np.where(right, predicted, (predicted + 1) % len(curves))
    rows_ = np.arange(len(right))
    return HeldOutPredictions(
        labels, predicted, confidence, np.ones(len(right)), rows_, len(curves)
    )


def broken(
    certificates: dict[str, Certificate], curves: list[Curve], true: dict[Curve, dict[float, float]]
) -> int:
    """How many certificates promise more than is true."""
    return sum(
        true[curves[int(label)]][certificate.threshold] < certificate.precision_at_least
        for label, certificate in certificates.items()
    )


@pytest.mark.parametrize("curve", [rising, flattered, just_below])
def test_promise_of_each_class_holds_in_nineteen_of_twenty_histories(curve: Curve) -> None:
    true, names = {curve: true_precisions(curve)}, ("0", "1")
    assert min(true[curve].values()) < 0.92
    wrong = issued = 0
    for seed in range(SEEDS):
        answers = drawn([curve, excellent], 600, seed)
        certificates = certify(answers, names, np.arange(len(answers.labels))).certificates
        alone = {label: certificate for label, certificate in certificates.items() if label == "0"}
        issued += len(alone)
        wrong += broken(alone, [curve], true)
    assert wrong / SEEDS <= 0.05 + NOISE
    assert issued > (SEEDS / 2 if curve is rising else 0)


def test_lowest_threshold_that_passes_would_break_the_promise() -> None:
    """What the walk is for: to look at every threshold and take the lowest that passes errs."""
    wrong = 0
    for seed in range(SEEDS):
        answers = drawn([just_below, excellent], 600, seed)
        here = answers.predicted == 0
        accepted = answers.confidence[here][:, None] >= np.array(GRID)
        right = accepted & (answers.labels == 0)[here][:, None]
        bounds = lower_bound(right.sum(axis=0), accepted.sum(axis=0))
        wrong += bool((bounds[accepted.sum(axis=0) >= 36] >= 0.92).any())
    assert wrong / SEEDS > 0.05 + NOISE


@pytest.mark.parametrize(
    "curves",
    [[just_below] * 6, [excellent] * 3 + [rising, just_below, flattered]],
    ids=["all just below", "some excellent"],
)
def test_family_holds_for_all_classes_at_once(curves: list[Curve]) -> None:
    true = {curve: true_precisions(curve) for curve in set(curves)}
    names = [str(number) for number in range(len(curves))]
    wrong = 0
    for seed in range(SEEDS):
        answers = drawn(curves, 200, seed)
        certificates = certify(
            answers, names, np.arange(len(answers.labels)), family=True
        ).certificates
        wrong += broken(certificates, curves, true) > 0
    assert wrong / SEEDS <= 0.05 + NOISE


def test_without_family_some_certificate_of_many_is_often_wrong() -> None:
    curves, names = [just_below] * 6, [str(number) for number in range(6)]
    true, wrong = {just_below: true_precisions(just_below)}, 0
    for seed in range(60):
        certificates = certify(drawn(curves, 200, seed), names, np.arange(1200)).certificates
        wrong += broken(certificates, curves, true) > 0
    assert wrong / 60 > 0.1


def test_family_is_said_and_asks_for_more() -> None:
    certification = certify(sure(400), CLASSES, np.arange(400), family=True).certificates
    assert certification["a"].family
    assert not certify(sure(400), CLASSES, np.arange(400)).certificates["a"].family
    # Alone thirty-six are enough; of two walks each begins at half the error level.
    two = judged(np.ones(190, dtype=bool), np.full(190, 0.9995), np.repeat([0, 1], [150, 40]))
    assert sorted(certify(two, CLASSES, np.arange(190)).certificates) == ["a", "b"]
    assert sorted(certify(two, CLASSES, np.arange(190), family=True).certificates) == ["a"]


@pytest.mark.parametrize(("others_pass", "labels"), [(True, ["a", "b"]), (False, [])])
def test_walk_that_passes_to_its_end_hands_its_level_on(
    others_pass: bool, labels: list[str]
) -> None:
    # Four wrong of 113 are few enough at one twentieth, and too many at half of that.
    at_all, at_half = (lower_bound(np.array([109]), np.array([113]), e)[0] for e in (0.05, 0.025))
    assert at_all >= 0.92 > at_half
    wrong_of_a = 0 if others_pass else 30
    right = np.concatenate([np.arange(150) >= wrong_of_a, np.arange(113) >= 4])
    answers = judged(right, np.full(263, 0.9995), np.repeat([0, 1], [150, 113]))
    certificates = certify(answers, CLASSES, np.arange(263), family=True).certificates
    assert sorted(certificates) == labels


LEVELS = ("low", "mid", "high", "top")


def rated(
    labels: list[int], predicted: list[int], confidence: list[float] | float = 0.9995
) -> HeldOutPredictions:
    rows = len(labels)
    sure_of = np.full(rows, confidence) if isinstance(confidence, float) else np.array(confidence)
    return HeldOutPredictions(
        np.array(labels), np.array(predicted), sure_of, np.ones(rows), np.arange(rows), 4
    )


def certify_levels(predictions: HeldOutPredictions):
    rows = np.arange(len(predictions.labels))
    return certify(predictions, LEVELS, rows, severe_from=2)


def test_precise_level_is_withheld_if_it_hides_severe_incidents() -> None:
    # 97% of "low" are right, but a fifth of the severe incidents are among them.
    labels = [0] * 970 + [2] * 20 + [3] * 10 + [2] * 120
    certification = certify_levels(rated(labels, [0] * 1000 + [2] * 120))
    assert list(certification.certificates) == ["high"]
    assert certification.withheld is not None
    assert certification.withheld.startswith(
        "auto is withheld below high: of 150 held-out incidents that people rated high or more "
        "severe, 30 would be rated lower without a person"
    )


def test_threshold_of_lower_levels_is_raised_as_far_as_needed() -> None:
    labels = [0] * 500 + [0] * 480 + [2] * 20 + [2] * 120
    confidence = [0.98] * 500 + [0.93] * 500 + [0.95] * 120
    certification = certify_levels(rated(labels, [0] * 1000 + [2] * 120, confidence))
    low = certification.certificates["low"]
    assert (low.threshold, low.n) == (0.94, 500)
    assert certification.withheld is not None
    assert certification.withheld.startswith("auto below high needs more confidence")
    unlimited = certify(
        rated(labels, [0] * 1000 + [2] * 120, confidence), LEVELS, np.arange(len(labels))
    )
    assert unlimited.certificates["low"].threshold < 0.94
    assert certification.certificates["high"] == unlimited.certificates["high"]


def test_severe_incidents_that_are_rated_high_enough_limit_nothing() -> None:
    labels = [0] * 300 + [2] * 200 + [3] * 5
    certification = certify_levels(rated(labels, [0] * 300 + [2] * 200 + [2] * 5))
    assert certification.withheld is None
    assert set(certification.certificates) == {"low", "high"}


def test_too_few_severe_incidents_prove_nothing() -> None:
    # 59 are the fewest whose upper bound is 5% with none under-rated.
    for severe, is_proven in ((58, False), (59, True)):
        certification = certify_levels(rated([0] * 300 + [2] * severe, [0] * 300 + [2] * severe))
        assert ("low" in certification.certificates) == is_proven


def test_under_rating_is_rarely_certified_above_its_limit() -> None:
    issued = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        labels = np.concatenate([np.zeros(2000, dtype=np.int64), np.full(200, 2)])
        is_low = np.where(labels == 0, True, rng.random(2200) < 0.055)
        confidence = np.where(is_low, 0.9 + 0.1 * rng.random(2200), 0.6)
        predicted = np.where(is_low, 0, 2)
        levels = rated(labels.tolist(), predicted.tolist(), confidence.tolist())
        certificate = certify_levels(levels).certificates.get("low")
        issued += certificate is not None and certificate.threshold <= 0.9
    assert issued / SEEDS <= 0.05 + NOISE

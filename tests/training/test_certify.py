"""Certificates hold what they promise, and are issued when the evidence is there."""

import numpy as np
import pytest

from training.certify import certify, lower_bound
from training.metrics import Judged


def judged(
    right: np.ndarray, confidence: np.ndarray, predicted: np.ndarray | None = None
) -> Judged:
    predicted = np.zeros(len(right), dtype=np.int64) if predicted is None else predicted
    labels = np.where(right, predicted, (predicted + 1) % 4)
    rows = np.arange(len(right))
    return Judged(labels, predicted, confidence, np.ones(len(right)), rows, 4)


CLASSES = ("a", "b", "c", "d")


def sure(count: int) -> Judged:
    return judged(np.ones(count, dtype=bool), np.full(count, 0.9995))


@pytest.mark.parametrize("rows", [60, 400], ids=["pooled", "own"])
@pytest.mark.parametrize("precision", [0.915, 0.85])
def test_precision_below_the_wanted_is_rarely_certified(rows: int, precision: float) -> None:
    issued = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        outcomes, confidence = rng.random(rows) < precision, rng.uniform(0.4, 1, rows)
        issued += bool(certify(judged(outcomes, confidence), CLASSES, np.arange(rows)).certificates)
    # Five in a hundred, and two standard deviations of four hundred draws.
    assert issued / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_high_precision_is_mostly_certified() -> None:
    issued = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        found = certify(
            judged(rng.random(400) < 0.998, rng.uniform(0.4, 1, 400)), CLASSES, np.arange(400)
        )
        issued += "a" in found.certificates
    assert issued >= 40


def test_thirty_six_right_answers_certify_and_thirty_five_do_not() -> None:
    assert certify(sure(35), CLASSES, np.arange(35)).certificates == {}
    (certificate,) = certify(sure(36), CLASSES, np.arange(36)).certificates.values()
    assert (certificate.n, certificate.precision_at_least, certificate.pooled) == (36, 0.92, True)
    assert lower_bound(36, 36) >= 0.92 > lower_bound(35, 35)
    assert lower_bound(0, 10) == 0


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
    found = certify(
        judged(np.ones(190, dtype=bool), np.full(190, 0.9995), predicted), CLASSES, np.arange(190)
    ).certificates
    assert sorted(found) == ["a", "b", "c"]
    assert (found["a"].n, found["a"].pooled) == (150, False)
    assert (found["b"].n, found["b"].pooled) == (40, True)
    assert found["c"] == found["b"]


def test_bad_common_class_does_not_profit_from_the_others() -> None:
    predicted = np.repeat([0, 1], [150, 150])
    right = np.concatenate([np.arange(150) % 2 == 0, np.ones(150, dtype=bool)])
    found = certify(judged(right, np.full(300, 0.9995), predicted), CLASSES, np.arange(300))
    assert list(found.certificates) == ["b"]


def test_lower_promise_is_easier_to_keep() -> None:
    right = np.arange(300) % 10 > 0
    confidence = np.full(300, 0.95)
    assert certify(judged(right, confidence), CLASSES, np.arange(300)).certificates == {}
    found = certify(judged(right, confidence), CLASSES, np.arange(300), wanted=0.8).certificates
    assert found["a"].precision_at_least == 0.8

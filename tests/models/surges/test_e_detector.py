"""The evidence of an e-detector stays within its weights under the null, and grows in a surge."""

import numpy as np
import pytest

from models.surges.e_detector import EDetector
from models.surges.hour_profile import HOUR


def evidence_at_end(rng: np.random.Generator, rate: float, hours: float, weight: float) -> float:
    """Return the evidence when a Poisson stream that ends at its first alarm is stopped."""
    detector, time = EDetector(), 0.0
    while (time := time + rng.exponential(HOUR / rate)) < hours * HOUR:
        detector.observe(time, rate, 0.0, weight)
        if detector.evidence >= 1.0:
            return 1.0
    return 0.0


@pytest.mark.parametrize("rate", [0.05, 1.0, 20.0])
def test_at_most_as_many_alarms_come_as_the_weights_allow(rate: float) -> None:
    rng, streams = np.random.default_rng(0), 300
    hours = 40 / rate
    alarms = sum(evidence_at_end(rng, rate, hours, 0.2 / 40) for _ in range(streams))
    assert alarms <= 0.2 * streams


def test_bursts_within_the_bound_of_an_excited_stream_are_no_evidence() -> None:
    rng = np.random.default_rng(1)
    steady, excited = EDetector(), EDetector()
    for time in np.sort(
        np.concatenate([at + rng.exponential(600, 3) for at in range(0, 10**6, 20_000)])
    ):
        steady.observe(float(time), 0.5, 0.0, 1e-3)
        excited.observe(float(time), 0.5, 0.7, 1e-3)
        assert excited.evidence < 1.0
    assert steady.evidence > excited.evidence


def test_nine_in_twenty_minutes_are_evidence_by_the_fifth_and_decay_later() -> None:
    detector, evidence = EDetector(), []
    for report in range(9):
        detector.observe(report * 133.0, 0.1, 0.05, 1e-3)
        evidence.append(detector.evidence)
    assert evidence[1] < 1.0 <= evidence[4]
    assert not detector.has_ended(detector.last + 600)
    assert detector.has_ended(detector.last + 3 * HOUR)


def test_reports_at_one_moment_are_counted_one_by_one() -> None:
    detector = EDetector()
    bounds = [detector.observe(0.0, 0.1, 0.2, 1e-3) for _ in range(3)]
    assert bounds == pytest.approx([0.1, 0.5, 0.9])

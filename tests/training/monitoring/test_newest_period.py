"""The judgement of a champion by its newest answers."""

from datetime import timedelta

import numpy as np
import pytest
from monitored_store import BEGIN

from training.monitoring.newest_period import (
    FEWEST,
    LabelledIncident,
    describe_judgements,
    judge_newest_period,
)

PAST = ["Network", "Mail", "Network", "Mail", "Network"] * 20


def incidents(pairs, hours=5.0):
    """Incidents five hours apart, from pairs of truth and answer."""
    return [
        LabelledIncident(BEGIN + timedelta(hours=hours * number), truth, answer)
        for number, (truth, answer) in enumerate(pairs)
    ]


def past(labels=PAST):
    return [(label, None) for label in labels]


def judge(pairs, hours=5.0):
    return judge_newest_period("category", "3", incidents(pairs, hours))


def test_a_champion_that_loses_to_one_label_is_worse():
    judgement = judge(past() + [("Network", "Mail")] * 25 + [("Mail", "Mail")] * 5)
    assert judgement.is_worse
    assert not judgement.is_restored
    assert (judgement.baseline, judgement.answers, judgement.right) == ("Network", 30, 5)
    assert judgement.baseline_right == 25
    assert judgement.since == BEGIN + timedelta(hours=500)
    assert judgement.p_value < 0.001


def test_a_champion_that_is_right_is_not():
    judgement = judge(past() + [("Network", "Network")] * 15 + [("Mail", "Mail")] * 15)
    assert not judgement.is_worse
    assert judgement.is_restored
    assert (judgement.right, judgement.baseline_right) == (30, 15)


def test_the_baseline_is_what_was_frequent_just_before_not_in_all_of_the_past():
    before = [("Printing", None)] * 300 + [("Mail", None)] * 40
    judgement = judge(before + [("Mail", "Printing")] * 30)
    assert judgement.baseline == "Mail"
    assert judgement.is_worse


def test_a_label_that_nobody_could_know_of_before_is_no_baseline():
    judgement = judge(past() + [("Kiosk", "Mail")] * 30)
    assert (judgement.right, judgement.baseline_right) == (0, 0)
    assert not judgement.is_worse


def test_a_late_change_is_found_in_the_newest_part_of_a_long_period():
    good = [("Network", "Network")] * 120 + [("Mail", "Mail")] * 55
    judgement = judge(past() + good + [("Mail", "Network")] * 25)
    assert judgement.is_worse
    assert judgement.answers < 200


def test_few_answers_are_not_judged():
    assert judge(past() + [("Network", "Mail")] * (FEWEST - 1)) is None
    assert judge(past(["Network"] * (FEWEST - 1)) + [("Network", "Mail")] * 30) is None
    assert judge([]) is None


def test_a_storm_within_hours_is_no_proof():
    storm = past() + [("Network", "Mail")] * 30
    assert not judge(storm, hours=0.1).is_worse
    assert judge(storm, hours=2.0).is_worse


def test_restored_needs_every_period_to_be_at_the_baseline():
    rng = np.random.default_rng(0)
    lost = [("Network", "Mail")] * 100
    truths = rng.choice(["Network", "Mail"], 60)
    recovering = judge(past() + lost + [(truth, truth) for truth in truths])
    assert not recovering.is_restored
    truths = rng.choice(["Network", "Mail"], 250)
    restored = judge(past() + lost + [(truth, truth) for truth in truths])
    assert restored.is_restored


@pytest.mark.parametrize("levels", [("low", "medium", "high")])
def test_chance_seldom_suspends_a_champion_that_is_as_good_as_its_baseline(levels):
    suspended = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truths = rng.choice(levels, 200, p=(0.5, 0.3, 0.2))
        answers = np.where(rng.random(200) < 0.5, truths, "none")
        pairs = [("low", None)] * 100 + list(zip(truths, answers, strict=True))
        suspended += judge(pairs).is_worse
    assert suspended <= 3


def test_findings_say_what_happened_and_what_to_do():
    bad = judge(past() + [("Network", "Mail")] * 30)
    good = judge(past() + [("Network", "Network")] * 30)
    findings = describe_judgements([bad, good])
    assert [measure.value for measure in findings.measures] == [-1.0, 0.0]
    (alarm,) = findings.alarms
    assert "version 3 of category" in alarm.statement
    assert "30 answers" in alarm.statement
    assert "always answering 'Network' would have been right 30 times" in alarm.statement
    assert "precedent retrain" in alarm.advice

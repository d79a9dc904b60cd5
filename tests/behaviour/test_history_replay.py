"""A replay answers each unit by what was known before it, and measures what it says."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from factories import incident
from replay_figures import compare_replayed
from replay_histories import introduce_service, raise_severity, rename_team, thin, two_years
from replay_loop import LoopState, RetrainedLoop, find_stale_units
from replay_ours import refitted
from replay_peers import last_days, majority_of_unit_before, peers_in_windows
from replay_units import Answers, ReplayedAnswers, UnitOfTime, cut_into_units, replay

from features.domain.history import History
from features.home import HomeSettings, open_home
from models.base.target_labels import label_of
from training.evaluation.metrics import HeldOutPredictions, accuracy, measure

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = UnitOfTime.WEEK


def at(day, label, *, known_after=0.0, number=0):
    opened_at = BEGIN + timedelta(days=day)
    return incident(
        f"INC{day:06.2f}-{number}",
        f"the {label * 3} is down",
        opened_at=opened_at,
        category=label,
        resolved_at=opened_at + timedelta(days=known_after),
    )


def steady(days, a_day=5, labels=("a", "b")):
    return [
        at(day, labels[number % len(labels)], number=number)
        for day in range(days)
        for number in range(a_day)
    ]


def always(label):
    def answer(past, asked):
        return Answers.of_likeliest([label], np.ones((len(asked), 1)))

    return answer


def test_each_unit_is_answered_by_what_was_known_before_it():
    history = History((*steady(60), at(30, "slow", known_after=20)))
    for unit in cut_into_units(history, "category", WEEK):
        known = [one.outcome.resolved_at for one in unit.past.incidents]
        assert max(known) <= unit.starts_at
        assert all(one.report.opened_at < unit.starts_at for one in unit.past.incidents)
        assert all(WEEK.start(one.report.opened_at) == unit.starts_at for one in unit.asked)
        knows_slow = any(one.outcome.category == "slow" for one in unit.past.incidents)
        assert knows_slow == (unit.starts_at >= BEGIN + timedelta(days=50))


@pytest.mark.parametrize(("days", "learned"), [(60, 100), (200, 250)])
def test_the_first_units_are_only_learned_from(days, learned):
    units = list(cut_into_units(History(tuple(steady(days))), "category", WEEK))
    asked = sum(len(unit.asked) for unit in units)
    assert learned <= len(units[0].past.incidents) < learned + 7 * 5
    assert len(units[0].past.incidents) + asked == 5 * days


def test_a_history_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="too short"):
        replay(History(tuple(steady(10))), "category", WEEK, {"a": always("a")})


def test_answers_are_judged_by_the_labels_of_their_unit():
    history = History(tuple(steady(60)))
    answered = replay(history, "category", WEEK, {"a": always("a"), "never": always("new")})
    assert measure(accuracy, answered["a"].judged).value == pytest.approx(0.6, abs=0.01)
    assert measure(accuracy, answered["never"].judged).value == 0
    assert answered["never"].judged.log_loss == pytest.approx(-np.log(1e-9))
    assert answered["a"].judged.blocks.max() + 1 == len(answered["a"].starts)


def test_the_majority_is_that_of_the_unit_before():
    history = History((*steady(42, labels=("a",)), *(at(42 + n / 2, "b") for n in range(56))))
    answered = replay(
        history, "category", WEEK, {"majority": majority_of_unit_before("category", WEEK)}
    )
    judged = answered["majority"].judged
    shares = [np.mean((judged.labels == judged.predicted)[judged.blocks == n]) for n in range(7)]
    assert shares == [1, 1, 1, 0, 1, 1, 1]


def test_a_window_holds_the_last_days_and_twenty_incidents_at_least():
    past, asked = History(tuple(steady(60))), [at(60, "a").report]
    window = last_days(past, 10, asked)
    assert {one.report.opened_at for one in window.incidents} == {
        BEGIN + timedelta(days=day) for day in range(50, 60)
    }
    assert last_days(past, 1, asked).incidents == past.incidents[-20:]


def test_a_peer_in_a_short_window_follows_a_renamed_label():
    renamed = [at(60 + n / 5, "a" if n % 2 else "c", number=n) for n in range(200)]
    past = History(tuple(steady(60) + renamed))
    peers = peers_in_windows(past, "category")
    asked = [at(101, "c").report]
    answers = peers["TF-IDF + LR, 30 days"](past, asked)
    assert answers.labels == ("a", "c")
    assert answers.labels[answers.picked[0]] == "c"
    everything = peers["TF-IDF + LR, all"](past, asked)
    assert everything.labels == ("a", "b", "c")


def replayed(is_right, blocks):
    labels = np.ones(len(is_right), dtype=np.int64)
    predicted = np.where(is_right, labels, 0)
    judged = HeldOutPredictions(
        labels, predicted, np.full(len(labels), 0.5), np.ones(len(labels)), np.array(blocks), 2
    )
    return ReplayedAnswers(judged, tuple(BEGIN + n * timedelta(days=7) for n in range(4)), 1.0)


def test_a_stale_champion_is_one_that_answers_below_the_baseline_and_is_left_to_answer():
    blocks = np.repeat(np.arange(4), 20)
    baseline = replayed(np.ones(80, dtype=bool), blocks)
    loop = replayed(np.concatenate([np.zeros(60, dtype=bool), np.arange(20) > 2]), blocks)
    states = [LoopState(True, False), LoopState(False, True), *[LoopState(False, False)] * 2]
    # Replaced in the first unit, suspended in the second, within noise in the fourth.
    assert find_stale_units(states, loop, baseline) == [(BEGIN + timedelta(days=14)).date()]


def test_differences_are_from_the_best_peer_of_the_window_and_of_all_the_past():
    blocks = np.repeat(np.arange(4), 20)
    rates = {"ours": 12, "p, all": 10, "p, 30 days": 15}
    answered = {
        name: replayed(np.tile(np.arange(20) < right, 4), blocks) for name, right in rates.items()
    }
    ours = {"ours": answered.pop("ours")}
    compared = compare_replayed(ours, {}, answered)
    peer, difference = compared.differences["ours less the best window"]["accuracy"]
    assert (peer, difference.value) == ("p, 30 days", pytest.approx(-0.15))
    peer, difference = compared.differences["ours less the best peer of all the past"]["accuracy"]
    assert (peer, difference.value) == ("p, all", pytest.approx(0.1))


def test_changes_of_the_company_begin_on_their_day():
    same, day = two_years(), datetime(2025, 12, 1, tzinfo=UTC)

    def differing(change, target):
        labels = {one.report.id: label_of(one.outcome, target) for one in same.incidents}
        changed = two_years(change).incidents
        return [i for i in changed if label_of(i.outcome, target) != labels[i.report.id]]

    for change, target in ((rename_team, "assignment"), (raise_severity, "severity")):
        found = differing(change, target)
        assert len(found) > 100
        assert all(one.report.opened_at >= day for one in found)
    teams = Counter(one.outcome.assignment for one in two_years(introduce_service).incidents[:1500])
    assert teams["Business Apps"] < 0.05 * teams["Service Desk"]


def test_thinning_keeps_the_whole_time():
    history = History(tuple(steady(60)))
    thinned = thin(history, 100)
    assert len(thinned.incidents) == 100
    assert thinned.incidents[-1].report.opened_at == BEGIN + timedelta(days=59)


@pytest.mark.quality
def test_ours_and_the_loop_answer_a_short_replay(tmp_path: Path):
    home = open_home(HomeSettings(home=tmp_path / "shared"))
    history = thin(two_years(), 130)
    loop = RetrainedLoop("severity", tmp_path, encodings=home.encodings, encoder="hashing")
    contenders = {"ours": refitted("severity", home, encoder="hashing"), "loop": loop}
    answered = replay(history, "severity", UnitOfTime.MONTH, contenders)
    assert len(loop.states) == len(answered["loop"].starts)
    for answers in answered.values():
        assert measure(accuracy, answers.judged).value > 0.3
        assert ((answers.judged.confidence > 0) & (answers.judged.confidence <= 1)).all()

"""What suspends a champion, what lifts a suspension, and what the log says of both."""

from dataclasses import replace
from datetime import timedelta

import pytest
from factories import NOON

from features.domain.monitoring import BaselineJudgement
from features.store.store import open_store
from models.lifecycle.suspension import apply_judgements, lift_by_promotion, resumed_by_hand

WORSE = BaselineJudgement("category", "3", "low", NOON, 40, 5, 22, 0.0001, True, False)
UNCLEAR = replace(WORSE, right=15, p_value=0.1, is_worse=False)
RESTORED = replace(UNCLEAR, right=30, is_restored=True)


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


def suspended(store, *judgements):
    return [(one.target, one.version) for one in apply_judgements(judgements, store, NOON)]


def actions(store):
    return [(event.action, event.version) for event in store.audit_log.select()]


def test_a_champion_that_is_worse_is_suspended_once(store):
    assert suspended(store, WORSE) == [("category", "3")]
    assert suspended(store, WORSE) == [("category", "3")]
    (event,) = store.audit_log.select()
    assert (event.actor, event.action, event.target) == ("precedent", "suspend", "category")
    assert event.reason == WORSE.describe()
    assert event.details["p_value"] == 0.0001


def test_only_a_clear_return_lifts_it(store):
    suspended(store, WORSE)
    assert suspended(store, UNCLEAR) == [("category", "3")]
    assert suspended(store) == [("category", "3")]
    assert suspended(store, RESTORED) == []
    assert actions(store) == [("suspend", "3"), ("resume", "3")]


def test_a_champion_that_was_never_suspended_is_not_lifted(store):
    assert suspended(store, RESTORED, UNCLEAR) == []
    assert actions(store) == []


def test_a_promotion_lifts_the_suspensions_of_its_target(store):
    suspended(store, WORSE, replace(WORSE, target="severity"))
    lift_by_promotion("category", "4", store, actor="Ana", reason="new", now=NOON)
    assert suspended(store) == [("severity", "3")]
    event = store.audit_log.select()[-1]
    assert (event.actor, event.action, event.version) == ("Ana", "resume", "3")
    assert event.reason == "version 4 was made champion: new"


def test_only_a_promotion_of_the_version_itself_starts_a_new_judgement(store):
    later = NOON + timedelta(days=1)
    suspended(store, WORSE)
    lift_by_promotion("category", "4", store, actor="Ana", reason="", now=NOON)
    assert resumed_by_hand(store, "category", "3") is None
    suspended(store, WORSE)
    lift_by_promotion("category", "3", store, actor="Ana", reason="", now=later)
    assert resumed_by_hand(store, "category", "3") == later
    assert resumed_by_hand(store, "category", "4") is None

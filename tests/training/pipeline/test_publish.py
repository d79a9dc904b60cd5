"""What becomes of a verdict: the alias moves or stays, and file, card and log tell why."""

import json
import shutil
from pathlib import Path

import pytest

from features.home import Home
from features.store.store import open_store
from models.artifacts.evaluation_files import evaluation_folder
from models.artifacts.registry import ModelRegistry
from models.base.gate_verdict import Comparison, Verdict
from training.pipeline.publish import apply_force_promote, publish
from training.pipeline.register import training_run
from training.plan import TrainingPlan

FOUND = Comparison("the champion (version 1)", "accuracy", 400, 350, -0.031, -0.05, -0.012)
REFUSED = Verdict(False, ("worse than the champion",), ("mail fell",), (FOUND,))
PASSED = Verdict(True, ("better than the baseline", "there was no champion before"))


@pytest.fixture
def plan(home: Home, empty_store: Path) -> TrainingPlan:
    shutil.copy(empty_store, home.root / "precedent.db")
    return TrainingPlan(home, "default", home.database_url, encoder="hashing", actor="Ana")


def publish_toy(verdict, plan, toy_model, toy_card):
    with training_run(plan.home, "default", "train") as run_id:
        return publish(
            toy_model, toy_card, verdict, plan, run_id, learned_from=["INC1"], attributes=[]
        )


def gate_events(plan: TrainingPlan):
    with open_store(plan.database_url, "default") as store:
        return [
            event for event in store.audit_log.select() if event.action in ("promote", "refuse")
        ]


def test_what_passes_is_promoted_and_what_is_refused_stays_challenger(
    plan, toy_model, toy_card
) -> None:
    first = publish_toy(PASSED, plan, toy_model, toy_card)
    second = publish_toy(REFUSED, plan, toy_model, toy_card)
    registry = ModelRegistry(plan.home.tracking_uri, "default")
    assert registry.champions()["category"].version == first.version
    assert registry.version("category", second.version).aliases == ("challenger",)

    verdict = json.loads(evaluation_folder(second, plan.home).verdict.read_text())
    assert (verdict["promoted"], verdict["warnings"]) == (False, ["mail fell"])
    assert verdict["comparisons"][0]["low"] == -0.05

    promoted, refused = gate_events(plan)
    assert (promoted.action, promoted.actor, promoted.version) == ("promote", "Ana", "1")
    assert promoted.reason == "better than the baseline; there was no champion before"
    assert (refused.action, refused.actor, refused.version) == ("refuse", "Ana", "2")
    assert refused.details["data_sha256"] == toy_card.data_sha256
    assert refused.details["warnings"] == ["mail fell"]
    assert refused.details["differences"]["the champion (version 1)"]["value"] == -0.031


def test_forcing_promotes_but_keeps_the_figures(plan: TrainingPlan) -> None:
    assert apply_force_promote(REFUSED, plan) == REFUSED
    by_force = TrainingPlan(plan.home, "default", "", encoder="hashing", force_promote=True)
    verdict = apply_force_promote(REFUSED, by_force)
    assert verdict.promoted
    assert verdict.reasons[-1] == "promoted in spite of the gate, by --force-promote"
    assert verdict.comparisons == (FOUND,)
    assert apply_force_promote(PASSED, by_force) == PASSED

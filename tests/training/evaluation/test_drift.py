"""What is called a drift, what is not, and that certificates do not cross one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.kinds import build_model
from training.dataset.split import Split, split_history
from training.dataset.targets import find_targets
from training.evaluation.drift import find_drift, rows_since_drift
from training.evaluation.evaluate import evaluate
from training.evaluation.metrics import HeldOutPredictions
from training.pipeline.fit import prove
from training.plan import TrainingPlan

START = datetime(2026, 1, 1, tzinfo=UTC)
A_DAY = 10


def labels_with(share_before: float, share_after: float, rows: int = 800) -> np.ndarray:
    """Return labels 0 and 1; the share of 1 changes at three quarters of the time."""
    generator = np.random.default_rng(5)
    share = np.where(np.arange(rows) < rows * 3 // 4, share_before, share_after)
    return (generator.random(rows) < share).astype(np.int64)


def split_of(labels: np.ndarray, *, is_dated: bool = True) -> Split:
    return split_history(history_of(labels, is_dated=is_dated))


def history_of(labels: np.ndarray, *, is_dated: bool = True) -> History:
    return History(
        tuple(
            ResolvedIncident(
                IncidentReport(
                    id=str(n),
                    opened_at=START + timedelta(days=n // A_DAY) if is_dated else None,
                    title=f"{'mail' if label else 'disk'} w{n * 7 % 97} z{n * 5 % 89}",
                ),
                Outcome(category=f"c{label}"),
            )
            for n, label in enumerate(labels)
        )
    )


def judged_of(
    labels: np.ndarray, split: Split, confidence: float = 0.9
) -> tuple[np.ndarray, HeldOutPredictions]:
    rows = np.sort(np.concatenate([fold.judge for fold in split.folds]))
    wrong = np.arange(len(rows)) % 10 == 0
    judged = HeldOutPredictions(
        labels=labels[rows],
        predicted=np.where(wrong, 1 - labels[rows], labels[rows]),
        confidence=np.full(len(rows), confidence),
        log_loss=np.zeros(len(rows)),
        blocks=split.blocks[rows],
        classes=2,
    )
    return rows, judged


def drift_of(labels: np.ndarray, confidence: float = 0.9):
    split = split_of(labels)
    return find_drift(labels, *judged_of(labels, split, confidence), split), split


def test_steady_labels_and_right_confidence_are_no_drift() -> None:
    drift, split = drift_of(labels_with(0.3, 0.3))
    assert not drift.has_drifted
    assert drift.since is None
    assert drift.statement.startswith("no drift")
    rows = np.arange(800)
    assert rows_since_drift(drift, rows, split).all()


def test_changed_shares_are_dated_and_described() -> None:
    drift, split = drift_of(labels_with(0.4, 0.1))
    assert drift.has_drifted
    assert drift.since in {period.starts_at for period in split.periods[-2:]}
    assert drift.moved == pytest.approx(0.3, abs=0.1)
    assert drift.chance <= 0.0025
    assert str(drift.since.date()) in drift.statement
    since = rows_since_drift(drift, np.arange(800), split)
    assert not since[:600].any()
    assert since[-100:].all()


def test_move_too_small_to_matter_is_no_drift() -> None:
    drift, _ = drift_of(labels_with(0.1, 0.08, rows=4000))
    assert not drift.has_drifted


def test_days_that_differ_from_one_another_all_along_are_no_drift() -> None:
    """Ten rows of a day share a label, so that rows look far more telling than they are."""
    day = np.random.default_rng(0).integers(0, 2, 80)
    drift, _ = drift_of(np.repeat(day, A_DAY))
    assert not drift.has_drifted


def test_too_high_confidence_is_a_drift_of_the_newest_period() -> None:
    drift, split = drift_of(labels_with(0.3, 0.3), confidence=0.99)
    assert drift.has_drifted
    assert drift.since == split.periods[-1].starts_at
    assert drift.overconfidence == pytest.approx(0.09, abs=0.03)
    assert "confidence exceeds accuracy" in drift.statement


def test_nothing_is_said_without_times() -> None:
    labels = labels_with(0.4, 0.1)
    split = split_of(labels, is_dated=False)
    assert find_drift(labels, *judged_of(labels, split), split) is None
    assert rows_since_drift(None, np.arange(5), split).all()


def test_few_newest_incidents_say_nothing_of_confidence() -> None:
    labels = labels_with(0.4, 0.4, rows=120)
    drift, _ = drift_of(labels, confidence=0.99)
    assert drift.overconfidence is None
    assert not drift.has_drifted


def test_certificates_rest_on_the_time_since_the_drift(home) -> None:
    labels = labels_with(0.5, 0.1, rows=800)
    history = history_of(labels)
    split = split_history(history)
    (target,), _ = find_targets(history)
    model = build_model("category", levels=(), encoder="hashing", seed=0)
    model.fit(history.incidents, split.folds)
    evaluation = evaluate(model, target, split, [incident.report for incident in history.incidents])
    assert evaluation.drift is not None
    assert evaluation.drift.has_drifted
    plan = TrainingPlan(home, "default", home.database_url, "hashing")
    certificates = prove(model, evaluation, split, plan).certificates
    whole = prove(model, replace(evaluation, drift=None), split, plan).certificates
    assert whole["c0"].n > certificates["c0"].n

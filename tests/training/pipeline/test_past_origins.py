"""Models of the past are asked about what came after them, and a drift shows in their answers."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from factories import incident

from features.domain.history import History
from features.home import HomeSettings, open_home
from models.base.predictions import Decision
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.pipeline.fit import fit_and_judge
from training.pipeline.past_origins import check_past_origins
from training.plan import TrainingPlan

START = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = ("low", "mid", "high")


@pytest.fixture
def plan(tmp_path) -> TrainingPlan:
    home = open_home(HomeSettings(home=tmp_path / "home"))
    return TrainingPlan(home, "default", home.database_url, "hashing")


def history_of(severe_before: float, severe_after: float, rows: int = 300) -> History:
    """Return incidents whose text always says the same; the share of "high" changes halfway."""
    generator = np.random.default_rng(3)
    share = np.where(np.arange(rows) < rows // 2, severe_before, severe_after)
    labels = np.where(generator.random(rows) < share, "high", "low")
    return History(
        tuple(
            incident(
                str(n),
                f"disk w{n * 7 % 97} z{n * 5 % 89} q{n}",
                opened_at=START + timedelta(hours=3 * n),
                severity=str(label),
            )
            for n, label in enumerate(labels)
        ),
        severity_levels=LEVELS,
    )


def fitted(history: History, plan: TrainingPlan):
    (target,), _ = find_targets(history)
    split = split_history(history)
    model, evaluation = fit_and_judge(history, target, split, plan)
    return model, evaluation, check_past_origins(history, target, split, plan)


def test_origins_before_a_change_show_what_it_cost(plan: TrainingPlan) -> None:
    model, evaluation, checks = fitted(history_of(0.1, 0.9), plan)
    assert evaluation.drift is not None
    assert evaluation.drift.has_drifted
    assert max(check.excess() for check in checks) > 0.3
    (answer,) = model.predict([history_of(0.1, 0.9).incidents[-1].report])
    assert answer.decision is Decision.ABSTAIN
    assert "confidence did not hold" in answer.why[0]
    assert model.certification_.withheld is not None
    assert "all answers abstain" in evaluation.drift.statement


def test_without_drift_nothing_is_doubted(plan: TrainingPlan) -> None:
    model, evaluation, checks = fitted(history_of(0.1, 0.1), plan)
    assert evaluation.drift is not None
    assert not evaluation.drift.has_drifted
    assert (model.drift_doubt_.doubt, model.drift_doubt_.abstains) == (0, False)
    assert max(check.excess() for check in checks) < 0.15


def test_labels_known_only_later_are_not_learned_from(plan: TrainingPlan) -> None:
    past = history_of(0.5, 0.5)
    late = tuple(
        incident(
            i.report.id,
            i.report.title,
            opened_at=i.report.opened_at,
            severity=i.outcome.severity,
            resolved_at=START + timedelta(days=400),
        )
        for i in past.incidents
    )
    history = History(late, severity_levels=LEVELS)
    (target,), _ = find_targets(history)
    assert check_past_origins(history, target, split_history(history), plan) == ()

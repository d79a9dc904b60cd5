"""A model that learned a change is checked on what came since, and keeps answering."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home
from training.dataset.split import split_history
from training.pipeline.fit import fit_and_judge
from training.pipeline.train import choose_targets
from training.plan import TrainingPlan

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
LEVELS = ("low", "medium", "high")
USUAL = {"printer jam": "low", "vpn down": "medium", "mail lost": "high"}


def incidents(days: int, changed_on: int) -> list[ResolvedIncident]:
    """Three incidents a day; from a day on, printers are rated high and the VPN is rated low."""
    changed = USUAL | {"printer jam": "high", "vpn down": "low"}
    return [
        ResolvedIncident(
            IncidentReport(
                id=f"{day}-{kind}",
                title=f"{kind} in room {day * 37 % 101}",
                opened_at=BEGIN + timedelta(days=day),
            ),
            Outcome(severity=(USUAL if day < changed_on else changed)[kind]),
        )
        for day in range(days)
        for kind in USUAL
    ]


def test_levels_that_followed_a_change_do_not_abstain(tmp_path: Path) -> None:
    history = History(tuple(incidents(240, changed_on=140)), severity_levels=LEVELS)
    plan = TrainingPlan(Home(tmp_path), "default", "sqlite://", "hashing", ("severity",))
    (target,), _ = choose_targets(history, plan.targets)
    model, _ = fit_and_judge(history, target, split_history(history), plan)
    assert model.recent_past_ is not None
    assert not model.drift_doubt_.abstains
    report = IncidentReport(id="new", title="printer jam in room 7")
    (answer,) = model.predict([report])
    assert answer.label == "high"

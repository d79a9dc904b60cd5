from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home
from training.dataset.newest_incidents import newest_incidents
from training.pipeline.train import measure_only
from training.plan import TrainingPlan

START = datetime(2026, 1, 1, tzinfo=UTC)


def incident(id: str, day: int | None) -> ResolvedIncident:  # noqa: A002
    opened_at = None if day is None else START + timedelta(days=day)
    return ResolvedIncident(IncidentReport(id=id, opened_at=opened_at), Outcome())


def test_the_newest_are_learned_from_in_the_order_of_the_file() -> None:
    rows = (incident("a", 3), incident("b", None), incident("c", 1), incident("d", 2))
    history = History(rows, groups=("x", "y", "x", "z"), warnings=("kept",))
    newest, notes = newest_incidents(history, 2)
    assert [row.report.id for row in newest.incidents] == ["a", "d"]
    assert newest.groups == ("x", "z")
    assert newest.warnings == ("kept",)
    assert "newest 2 of 4 incidents" in notes[0]


def test_a_short_history_is_returned_as_it_is() -> None:
    history = History((incident("a", None), incident("b", 1)))
    assert newest_incidents(history, 2) == (history, ())


def test_models_learn_from_the_newest_rows_alone(tmp_path: Path) -> None:
    rows = tuple(
        ResolvedIncident(
            IncidentReport(id=f"{day}", title=title, opened_at=START + timedelta(days=day)),
            Outcome(category=category),
        )
        for day in range(60)
        for title, category in [(f"printer jam {day}", "print"), (f"vpn is down {day}", "net")]
    )
    plan = TrainingPlan(
        Home(tmp_path), "default", f"sqlite:///{tmp_path}/s.db", "hashing", ("category",)
    )
    report = measure_only(History(rows), replace(plan, most_rows=80), lambda *_: None)
    assert report.trained[0].rows == 80
    assert "newest 80 of 120 incidents" in report.warnings[0]

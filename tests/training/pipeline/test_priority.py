"""Training on a history with impact and urgency, by the command that a user types."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.domain.report import IncidentReport
from features.home import Home
from models.artifacts.registry import ModelRegistry
from models.base.predictions import SeverityPrediction
from training.cli.app import app

SCOPES = {"3 - Low": "one user", "2 - Medium": "one team", "1 - High": "every site"}
NEEDS = {"3 - Low": "can wait", "2 - Medium": "slow work", "1 - High": "stopped work"}
PRIORITIES = ("P4", "P4", "P3", "P2", "P1")


@pytest.fixture
def tickets(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export whose priority follows from impact and urgency, and these from the text."""
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    file = home.root / "incident.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["number", "short_description", "impact", "urgency", "priority"])
        for number in range(180):
            i, u = number % 3, number // 3 % 3
            impact, urgency = list(SCOPES)[i], list(NEEDS)[u]
            text = f"{SCOPES[impact]} {NEEDS[urgency]} w{number * 7 % 31}"
            writer.writerow([f"INC{number}", text, impact, urgency, PRIORITIES[i + u]])
    return file


def train(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.quality
def test_impact_urgency_and_priority_are_ordered_targets(
    home: Home, tickets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_UNDER_RATING_COST", "3")
    output = train("--history", tickets, "--force-promote")
    assert "learned from the history: 1 - High and 1 - High: P1" in " ".join(output.split())
    registry = ModelRegistry(home.tracking_uri, "default")
    champions = registry.champions()
    assert set(champions) == {
        *("severity", "fields.impact", "fields.urgency"),
        *("similar", "novelty"),
    }
    for target in ("similar", "novelty"):
        champions.pop(target)
    loaded = {target: registry.load(version) for target, version in champions.items()}
    assert {loaded_model.card.kind for loaded_model in loaded.values()} == {"severity"}
    for loaded_model in loaded.values():
        assert "quadratic_kappa" in {metric.name for metric in loaded_model.card.metrics}
    assert {
        loaded_model.card.parameters["under_rating_cost"] for loaded_model in loaded.values()
    } == {"3.0"}
    shown = [any("1 - High: P1" in n for n in loaded[t].card.notes) for t in sorted(loaded)]
    assert shown == [False, False, True]
    report = IncidentReport(id="x", title="every site stopped work")
    answers = {
        target: loaded_model.model.predict([report])[0] for target, loaded_model in loaded.items()
    }
    assert all(isinstance(answer, SeverityPrediction) for answer in answers.values())
    assert {target: (a.label, a.rank) for target, a in answers.items()} == {
        "severity": ("P1", 3),
        "fields.impact": ("1 - High", 2),
        "fields.urgency": ("1 - High", 2),
    }


@pytest.mark.parametrize("cost", ["0", "-1", "nan", "much"])
def test_a_cost_that_makes_no_sense_is_told(
    tickets: Path, monkeypatch: pytest.MonkeyPatch, cost: str
) -> None:
    monkeypatch.setenv("PRECEDENT_UNDER_RATING_COST", cost)
    result = CliRunner().invoke(app, ["evaluate", "--history", str(tickets)])
    assert result.exit_code == 2
    assert "PRECEDENT_UNDER_RATING_COST" in result.stderr

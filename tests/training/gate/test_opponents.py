"""Whom a challenger meets: real versions in a real registry, with what they kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from factories import incident

from features.domain.history import History
from features.domain.report import Outcome, ResolvedIncident
from features.home import Home
from models.artifacts import registry as registering
from models.artifacts.evaluation_files import evaluation_folder
from models.artifacts.manifest import ArtifactFolder
from models.artifacts.mlflow_client import connect
from models.artifacts.registry import HISTORY_TAG, ModelVersion
from models.artifacts.save_artifact import save_artifact
from training.evaluation.evaluate import Evaluation
from training.evaluation.held_out_predictions import write_held_out_predictions
from training.evaluation.metrics import HeldOutPredictions
from training.gate.opponents import Opponents, find_opponents
from training.pipeline.register import register
from training.plan import TrainingPlan

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
TITLES = {"Network": "vpn down", "Printing": "printer jam"}


def numbered(number: int) -> ResolvedIncident:
    label = sorted(TITLES)[number % 2]
    opened_at = FIRST_DAY + timedelta(hours=6 * number)
    title = f"{TITLES[label]} {number}"
    return incident(f"INC{number}", title, opened_at=opened_at, category=label)


def history(incidents: int) -> History:
    return History(tuple(numbered(number) for number in range(incidents)))


def evaluation(past: History, rows: np.ndarray) -> Evaluation:
    """Held-out answers that are all `Network`."""
    labels = rows % 2
    answers = np.zeros_like(labels)
    judged = HeldOutPredictions(
        labels, answers, np.full(len(rows), 0.9), np.ones(len(rows)), rows, 2
    )
    names = tuple(past.incidents[row].report.title for row in rows.tolist())
    return Evaluation(rows, rows, names, ("Network", "Printing"), judged, judged, ())


@pytest.fixture
def champion(home: Home, promote, toy_model, toy_card, trusted_toy, tmp_path: Path, monkeypatch):
    """Makes champions of models that learned from the first incidents, up to the last's day."""
    shown = registering.ModelRegistry.__init__.__kwdefaults__
    monkeypatch.setitem(shown, "trusted", trusted_toy)

    def make(incidents: int, judged: np.ndarray | None = None, name: str = "1") -> ModelVersion:
        past = history(incidents)
        card = replace(toy_card, cutoff=past.incidents[-1].report.opened_at)
        ids = [resolved.report.id for resolved in past.incidents]
        folder = tmp_path / name
        save_artifact(toy_model, card, folder / "model", learned_from=ids)
        version = register(folder / "model", card, home=home, tenant="default")
        if judged is not None:
            write_held_out_predictions(
                evaluation(past, judged), ids, evaluation_folder(version, home)
            )
        return promote("category", version.version, home=home, tenant="default")

    return make


def opponents(home: Home, past: History, ours: Evaluation, fresher_days: float = 7) -> Opponents:
    plan = TrainingPlan(
        home, "default", home.database_url, encoder="hashing", fresher_days=fresher_days
    )
    ids = [resolved.report.id for resolved in past.incidents]
    return find_opponents(ours, past, "category", ids, plan)


def test_without_a_champion_there_is_no_opponent(home: Home) -> None:
    past = history(40)
    assert opponents(home, past, evaluation(past, np.arange(20, 40))) == Opponents()


def test_a_champion_answers_for_itself_what_came_after_its_data(home: Home, champion) -> None:
    champion(100)
    past = history(240)
    met = opponents(home, past, evaluation(past, np.arange(80, 240)))
    assert met.champion.rows.tolist() == list(range(20, 160))
    assert "after its data ended" in met.champion.which
    assert set(met.champion.predicted) == {"Network", "Printing"}
    expected = tuple(past.incidents[row].outcome.category for row in range(100, 240))
    assert met.champion.predicted == expected
    assert met.past == ()
    assert met.freshness == "its data end 35 days later"


def test_with_too_short_a_later_period_both_are_known_by_held_out_answers(
    home: Home, champion
) -> None:
    champion(150, judged=np.arange(60, 150))
    past = history(240)
    met = opponents(home, past, evaluation(past, np.arange(80, 240)))
    assert met.champion.rows.tolist() == list(range(70))
    assert set(met.champion.predicted) == {"Network"}
    assert "neither had seen" in met.champion.which


def test_after_a_change_held_out_answers_count_since_then(home: Home, champion) -> None:
    champion(150, judged=np.arange(60, 150))
    past = history(240)
    ours = evaluation(past, np.arange(80, 240))
    ours = replace(ours, is_since_change=ours.rows >= 120)
    met = opponents(home, past, ours)
    assert met.champion.rows.tolist() == list(range(40, 70))
    assert "since the last change" in met.champion.which


def test_a_champion_that_cannot_be_loaded_is_known_by_held_out_answers(
    home: Home, champion
) -> None:
    version = champion(100, judged=np.arange(60, 100))
    (version.folder / "model.skops").write_bytes(b"damaged")
    past = history(240)
    met = opponents(home, past, evaluation(past, np.arange(80, 240)))
    assert met.champion.rows.tolist() == list(range(20))
    assert "cannot answer" in met.warnings[0]


def test_a_champion_of_an_earlier_format_is_no_opponent(home: Home, champion) -> None:
    version = champion(100, judged=np.arange(60, 100))
    manifest = ArtifactFolder(version.folder).manifest
    files = json.loads(manifest.read_text())["files"]
    manifest.write_text(json.dumps({"files": files}))
    past = history(240)
    met = opponents(home, past, evaluation(past, np.arange(80, 240)))
    assert met.champion is None
    assert "earlier version of Precedent" in met.warnings[0]


def test_what_makes_a_challenger_fresher(home: Home, champion) -> None:
    champion(100)
    for incidents, days, freshness in (
        (100, 7, "None"),
        (110, 7, "10 incidents that the champion never saw"),
        (130, 7, "7 days later"),
        (130, 14, "30 incidents that the champion never saw"),
    ):
        past = history(incidents)
        met = opponents(home, past, evaluation(past, np.arange(50, incidents)), fresher_days=days)
        assert freshness in str(met.freshness)


def test_a_rollback_counts_until_somebody_promotes(
    home: Home, champion, promote, roll_back
) -> None:
    champion(100)
    champion(110, name="2")
    past = history(110)
    ours = evaluation(past, np.arange(50, 110))
    assert opponents(home, past, ours).rolled_back is None
    version = roll_back("category", home=home, tenant="default")
    description = opponents(home, past, ours).rolled_back
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert description == f"Ben rolled back to version {version.version} on {today}: worse"
    promote("category", "2", home=home, tenant="default")
    assert opponents(home, past, ours).rolled_back is None


def test_incidents_without_a_label_make_nothing_fresher(home: Home, champion) -> None:
    champion(100)
    past = history(200)
    unlabelled = tuple(replace(resolved, outcome=Outcome()) for resolved in past.incidents[104:])
    past = replace(past, incidents=(*past.incidents[:104], *unlabelled))
    ids = [resolved.report.id for resolved in past.incidents[:104]]
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing", fresher_days=7)
    met = find_opponents(evaluation(past, np.arange(50, 104)), past, "category", ids, plan)
    assert met.freshness == "it learned from 4 incidents that the champion never saw"


def test_a_corrected_label_makes_fresher(home: Home, champion) -> None:
    champion(100, judged=np.arange(50, 100))
    past = history(100)
    ours = evaluation(past, np.arange(50, 100))
    labels = ours.judged.labels.copy()
    labels[:3] = 1 - labels[:3]
    ours = replace(ours, judged=replace(ours.judged, labels=labels))
    assert opponents(home, past, ours).freshness == "it learned from 3 corrected labels"


def test_champions_of_the_past_year_are_met_again(home: Home, champion) -> None:
    for number in range(3):
        champion(100, judged=np.arange(40 + 10 * number, 100), name=str(number))
    past = history(100)
    met = opponents(home, past, evaluation(past, np.arange(100)))
    assert met.champion.version == "3"
    assert {opponent.version: len(opponent.rows) for opponent in met.past} == {"1": 60, "2": 50}
    client = connect(home.tracking_uri)
    client.set_registered_model_tag("default.category", HISTORY_TAG, "2,3")
    met = opponents(home, past, evaluation(past, np.arange(100)))
    assert [opponent.version for opponent in met.past] == ["2"]

"""Adapting the encoder within a training: judged on held-out rows, kept only if it is better."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder_weights import MINILM
from features.home import Home, HomeSettings, open_home
from models.artifacts.registry import ModelRegistry
from training.dataset.targets import find_targets
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions
from training.pipeline.fine_tune import AdaptedEncoder, adapt, compare_encoders
from training.pipeline.fit import fit_best_encoder, prepare
from training.pipeline.train import train
from training.plan import TrainingPlan

DEVICES = ("printer", "scanner", "laptop", "router", "phone", "beamer")


def history_of_pairs(rows: int = 240) -> History:
    """The label is whether two words are of one half of the list: no word tells it alone."""
    random = np.random.default_rng(0)
    first, second = random.integers(0, len(DEVICES), (2, rows))
    return History(
        incidents=tuple(
            ResolvedIncident(
                IncidentReport(
                    id=str(n), title=f"{DEVICES[a]} beside {DEVICES[b]}", description=f"case {n}"
                ),
                Outcome(category="same" if (a < 3) == (b < 3) else "mixed"),
            )
            for n, (a, b) in enumerate(zip(first, second, strict=True))
        ),
        sha256="pairs",
    )


def plan_of(home: Home, minutes: float) -> TrainingPlan:
    return TrainingPlan(home, "default", home.database_url, encoder=MINILM, adapt_minutes=minutes)


def evaluation(log_loss: np.ndarray, rows: np.ndarray) -> Evaluation:
    count = len(rows)
    judged = HeldOutPredictions(
        labels=np.zeros(count, dtype=np.int64),
        predicted=np.zeros(count, dtype=np.int64),
        confidence=np.full(count, 0.9),
        log_loss=log_loss,
        blocks=rows,
        classes=2,
    )
    return Evaluation(rows, rows, tuple(map(str, rows)), ("a", "b"), judged, judged, ())


def test_it_is_kept_only_where_the_same_rows_show_it_better_beyond_noise() -> None:
    random = np.random.default_rng(0)
    rows = np.arange(400)
    loss = random.exponential(0.5, 400)
    frozen = evaluation(loss, rows)
    part = np.arange(300, 400)[::-1]
    better = evaluation(loss[part] - 0.1 + random.normal(0, 0.05, 100), part)
    alike = evaluation(loss[part] + random.normal(0, 0.05, 100), part)
    assert compare_encoders(better, frozen)[0]
    assert not compare_encoders(alike, frozen)[0]
    assert "on 100 held-out incidents" in compare_encoders(alike, frozen)[1]


@pytest.mark.quality
def test_a_training_with_time_adapts_serves_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path))
    # So many are enough for so few words, and end long before the time does on a busy machine.
    monkeypatch.setattr("training.pipeline.fine_tune._MAX_PASSES", 5.0)
    monkeypatch.setattr("training.dataset.split._FOLDS", 3)
    home = open_home()
    report = train(history_of_pairs(), plan_of(home, minutes=20.0), lambda *step: None)
    (trained,) = (entry for entry in report.trained if entry.target == "category")
    assert trained.is_adapted
    assert "kept: gain in log loss" in trained.encoder
    registry = ModelRegistry(home.tracking_uri, "default")
    loaded = registry.load(registry.champions()["category"])
    reference = loaded.card.adapted_encoder_sha256
    assert (home.adapted_encoders / reference / "model.safetensors").is_file()
    assert (home.exported_encoders / reference / "model.onnx").is_file()
    reports = [
        IncidentReport(id="a", title="router beside phone"),
        IncidentReport(id="b", title="router beside printer"),
    ]
    assert [answer.label for answer in loaded.model.predict(reports)] == ["same", "mixed"]
    assert not any(home.adaptations.iterdir())


@pytest.mark.quality
def test_folds_judge_by_encoders_that_did_not_see_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels drawn by lot: whoever had seen the judged rows would seem to know them."""
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path))
    random = np.random.default_rng(1)
    history = history_of_pairs()
    lot = [
        replace(incident, outcome=Outcome(category=str(random.choice(["a", "b"]))))
        for incident in history.incidents
    ]
    history, plan = replace(history, incidents=tuple(lot)), plan_of(open_home(), minutes=0.5)
    (target,), _ = find_targets(history)
    split, _ = prepare(history, plan, lambda *step: None)
    adapted = adapt(history, [target], split, plan, lambda *step: None)
    assert isinstance(adapted, AdaptedEncoder)
    for fold in adapted.targets["category"].folds:
        judged = fold.adapted_scores[fold.judge].argmax(axis=1)
        right = judged == [target.labels[row] == "b" for row in fold.judge]
        assert right.mean() < 0.72
    fitted = fit_best_encoder(history, target, split, plan, adapted)
    assert not fitted.is_adapted
    assert "not kept" in fitted.encoder


def test_too_short_a_text_or_no_choice_is_said(tmp_path: Path) -> None:
    history = history_of_pairs(rows=120)
    (target,), _ = find_targets(history)
    plan = replace(plan_of(open_home(HomeSettings(home=tmp_path)), minutes=1), encoder="hashing")
    split, _ = prepare(history, plan, lambda *step: None)
    message = adapt(history, [target], split, plan, lambda *step: None)
    assert message == "encoder not adapted: fewer than 200 incidents have a text and a label"

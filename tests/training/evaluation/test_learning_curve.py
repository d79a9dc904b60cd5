"""Forecasts of what more labels would bring: method level, learning curve, labels until `auto`."""

from pathlib import Path

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import HomeSettings, open_home
from models.classification.choice import ChoiceModel
from training.dataset.split import split_history
from training.dataset.targets import Target
from training.evaluation.certify import certify
from training.evaluation.learning_curve import labels_until_auto
from training.evaluation.metrics import HeldOutPredictions
from training.pipeline.fit import fit_best_encoder
from training.plan import TrainingPlan

WORDS = ("printer", "network", "mailbox", "laptop")


def past(count: int, mistaken: float = 0.0) -> tuple[ResolvedIncident, ...]:
    rng = np.random.default_rng(0)
    words = rng.integers(0, len(WORDS), count)
    labels = np.where(rng.random(count) < mistaken, rng.integers(0, len(WORDS), count), words)
    return tuple(
        ResolvedIncident(
            IncidentReport(
                id=str(n), title=f"{WORDS[word]} {' '.join(map(str, rng.integers(99, size=4)))}"
            ),
            Outcome(WORDS[label]),
        )
        for n, (word, label) in enumerate(zip(words, labels, strict=True))
    )


def answers(count: int, right: float, confidence: float) -> HeldOutPredictions:
    labels = np.arange(count) % 2
    wrong = np.arange(count) >= round(right * count)
    sure = np.full(count, confidence)
    return HeldOutPredictions(
        labels, np.where(wrong, 1 - labels, labels), sure, sure, np.arange(count), 2
    )


def fitted(count: int, home: Path, mistaken: float = 0.0):
    incidents = past(count, mistaken)
    history = History(incidents)
    target = Target("category", tuple(incident.outcome.category for incident in incidents))
    place = open_home(HomeSettings(home=home))
    plan = TrainingPlan(place, "default", place.database_url, "hashing")
    return fit_best_encoder(history, target, split_history(history), plan, None)


def test_sure_and_right_answers_need_as_many_as_a_certificate() -> None:
    held_out = answers(20, 1.0, 0.999)
    more = labels_until_auto(held_out, np.arange(20), 20, precision=0.92)
    assert more is not None
    enough = answers(20 + more, 1.0, 0.999)
    assert certify(enough, ("a", "b"), np.arange(len(enough.labels))).certificates
    assert more < 60


def test_weaker_answers_need_more_labels_and_wrong_ones_tell_nothing() -> None:
    def more(right: float, confidence: float) -> int | None:
        return labels_until_auto(
            answers(100, right, confidence), np.arange(100), 100, precision=0.92
        )

    assert more(0.94, 0.95) > more(0.98, 0.97)
    assert more(0.85, 0.95) is None
    assert more(0.93, 0.93) is None
    assert more(0.95, 0.40) is None


def test_copies_count_once() -> None:
    held_out = answers(60, 1.0, 0.99)
    apart = labels_until_auto(held_out, np.arange(60), 60, precision=0.92)
    alike = labels_until_auto(held_out, np.arange(60) // 3, 60, precision=0.92)
    assert alike > apart


@pytest.mark.parametrize(("labels", "rung"), [(24, "neighbours"), (60, "linear")])
def test_training_says_the_method_level(labels: int, rung: str, tmp_path: Path) -> None:
    forecast = fitted(labels, tmp_path / "home").forecast
    assert forecast.rung == rung
    assert forecast.statements[0].startswith(f"method level {rung}: ")


def test_training_of_few_labels_tells_the_curve_and_how_many_auto_takes(tmp_path: Path) -> None:
    fit = fitted(60, tmp_path / "home", mistaken=0.25)
    curve = fit.forecast.learning_curve
    assert [point.labels for point in curve] == sorted(point.labels for point in curve)
    assert all(0 <= point.low <= point.accuracy <= point.high <= 1 for point in curve)
    assert not fit.model.certification_.certificates
    assert fit.forecast.labels_until_auto is None or fit.forecast.labels_until_auto > 0
    assert any(
        sentence.startswith("auto is not possible yet") for sentence in fit.forecast.statements
    )


def test_certified_model_needs_no_more_labels(tmp_path: Path) -> None:
    fit = fitted(300, tmp_path / "home")
    assert fit.model.certification_.certificates
    assert fit.forecast.labels_until_auto is None
    assert not any("auto is not possible" in sentence for sentence in fit.forecast.statements)
    assert len(fit.forecast.learning_curve) > 2


def test_neighbours_alone_show_their_exemplars() -> None:
    model = ChoiceModel(encoder="hashing").fit(past(24))
    (prediction,) = model.predict([IncidentReport(id="new", title="printer 7")])
    assert model.rung == "neighbours"
    assert prediction.evidence.exemplars
    assert not prediction.evidence.tokens

"""Reliability by bin and class against the metrics and by hand, and its picture."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.base.model_card import Card, ClassReliability, ConfidenceBin
from training.evaluation.metrics import HeldOutPredictions, expected_calibration_error
from training.evaluation.reliability import (
    draw_reliability,
    reliability_by_bin,
    reliability_by_class,
)

CLASSES = ("disk", "tape", "$never_{seen", "unused")


@pytest.fixture
def judged() -> HeldOutPredictions:
    return HeldOutPredictions(
        labels=np.array([0, 0, 0, 1, 1, 1]),
        predicted=np.array([0, 0, 1, 1, 2, 2]),
        confidence=np.array([1.0, 0.9375, 0.625, 0.6875, 0.375, 0.0625]),
        log_loss=np.ones(6),
        blocks=np.arange(6),
        classes=4,
    )


@pytest.fixture
def card(toy_card: Card, judged: HeldOutPredictions) -> Card:
    return replace(
        toy_card,
        reliability=reliability_by_bin(judged),
        class_reliability=reliability_by_class(judged, CLASSES),
    )


def test_bins_by_hand(judged: HeldOutPredictions) -> None:
    assert reliability_by_bin(judged) == (
        ConfidenceBin(0.0, 0.1, 1, 0.0625, 0.0),
        ConfidenceBin(0.3, 0.4, 1, 0.375, 0.0),
        ConfidenceBin(0.6, 0.7, 2, 0.65625, 0.5),
        ConfidenceBin(0.9, 1.0, 2, 0.96875, 1.0),
    )


def test_bins_are_those_of_the_calibration_error() -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(500)
    judged = HeldOutPredictions(
        rng.integers(0, 3, 500), rng.integers(0, 3, 500), rng.random(500), rows, rows, 3
    )
    bins = reliability_by_bin(judged)
    gap = sum(bucket.n * abs(bucket.mean_confidence - bucket.accuracy) for bucket in bins) / 500
    assert gap == pytest.approx(expected_calibration_error(judged, np.ones(500)))
    assert sum(bucket.n for bucket in bins) == 500


def test_classes_by_hand(judged: HeldOutPredictions) -> None:
    assert reliability_by_class(judged, CLASSES) == (
        ClassReliability("disk", 3, 2, 1.0, pytest.approx(2 / 3), 0.96875),
        ClassReliability("tape", 3, 2, 0.5, pytest.approx(1 / 3), 0.65625),
        ClassReliability("$never_{seen", 0, 2, 0.0, None, 0.21875),
    )


def test_class_that_is_never_predicted_has_no_precision(judged: HeldOutPredictions) -> None:
    silent = replace(judged, predicted=np.zeros(6, dtype=np.int64))
    assert reliability_by_class(silent, CLASSES)[1] == ClassReliability(
        "tape", 3, 0, None, 0.0, None
    )


def test_card_keeps_reliability(card: Card) -> None:
    again = Card.from_json(card.to_json())
    assert again.reliability == card.reliability
    assert again.class_reliability == card.class_reliability


def test_picture_shows_bins_counts_and_classes(card: Card, tmp_path: Path) -> None:
    figure = draw_reliability(card, tmp_path)
    bins, counts, classes = figure.axes
    drawn = bins.lines[1].get_xydata()
    assert drawn.tolist() == [
        [bucket.mean_confidence, bucket.accuracy] for bucket in card.reliability
    ]
    assert [bar.get_height() for bar in counts.patches] == [1, 1, 2, 2]
    dots = [dot.get_offsets().tolist()[0] for dot in classes.collections]
    assert sorted(dots) == [[0.21875, 0.0], [0.65625, 0.5], [0.96875, 1.0]]
    assert {text.get_text() for text in classes.texts} == set(CLASSES[:3])
    figure.savefig(png := io.BytesIO(), format="png")
    assert png.getvalue().startswith(b"\x89PNG")


@pytest.mark.quality
def test_drawing_writes_nowhere_but_to_its_folder(card: Card, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(card.to_json())
    user, fonts = tmp_path / "user", tmp_path / "fonts"
    user.mkdir()
    code = (
        "from pathlib import Path; from models.base.model_card import Card;"
        "from training.evaluation.reliability import draw_reliability;"
        "draw_reliability(Card.from_json(Path('card.json').read_text()), Path('fonts').absolute())"
    )
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG"))
    }
    environment = {**variables, "HOME": str(user), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    assert list(user.iterdir()) == []
    assert list(fonts.iterdir())

"""What a person reads of a trained target."""

from collections.abc import Mapping

import pytest

from models.base.model_card import LabelNoise
from models.base.predictions import Certificate
from training.cli.output import describe_report
from training.pipeline.report import TrainedTarget, TrainingReport

QUIET = LabelNoise(0, 0.0, 100, 0.9, 0, 0, None)


def told(capsys, noise: LabelNoise = QUIET, certificates: Mapping[str, Certificate] = {}) -> str:
    trained = TrainedTarget(
        "category", "choice", 100, (), certificates, label_noise=noise, label_noise_file="n.csv"
    )
    describe_report(TrainingReport("folds", 0, (trained,), {}))
    return " ".join(capsys.readouterr().out.split())


def test_a_list_is_named_only_where_there_is_one(capsys) -> None:
    assert "0 labels look mistaken this model" not in told(capsys)
    assert "n.csv" not in told(capsys)
    noise = LabelNoise(1, 0.01, 100, None, 2, 1, 0.5)
    text = told(capsys, noise)
    assert "1 label looks mistaken, listed in n.csv" in text
    assert "1 group carries several" in text


@pytest.mark.parametrize(
    ("pooled", "said"),
    [
        ((False,), "1 label certified for auto, 0%"),
        (
            (False, True, True),
            "3 labels certified for auto, 2 of them proven together, because each has too few "
            "separate answers, 0%",
        ),
    ],
)
def test_what_is_certified_is_told_in_words(capsys, pooled: tuple[bool, ...], said: str) -> None:
    certificates = {str(n): Certificate(0.92, 0.9, 100, family) for n, family in enumerate(pooled)}
    assert said in told(capsys, certificates=certificates)

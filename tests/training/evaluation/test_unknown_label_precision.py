from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from models.base.predictions import Certificate
from models.classification.calibrated_predictor import Certification
from models.classification.choice import ChoiceModel
from models.classification.learning.cross_fit import CrossFit
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions
from training.evaluation.unknown_label_precision import (
    describe_unknown_label_precision,
    unknown_label_precision,
)

PROBABILITIES = np.array([[0.95, 0.04, 0.01], [0.02, 0.97, 0.01], [0.5, 0.3, 0.2], [0.9, 0.1, 0]])
LABELS = np.array([0, 1, 2, 1])


def judged(thresholds: dict[str, float]) -> tuple[ChoiceModel, Evaluation]:
    model = ChoiceModel(encoder="hashing")
    model.classes_ = ["a", "b", "c"]
    model.cross_fit_ = CrossFit(np.arange(4), PROBABILITIES)
    certificates = {label: Certificate(0.9, value, 40) for label, value in thresholds.items()}
    model.certification_ = Certification(certificates)
    model.residual_probability_ = None
    predicted = PROBABILITIES.argmax(axis=1)
    confidence = PROBABILITIES.max(axis=1)
    predictions = HeldOutPredictions(LABELS, predicted, confidence, confidence, LABELS, 3)
    rows = np.arange(4)
    evaluation = Evaluation(rows, rows, ("",) * 4, ("a", "b", "c"), predictions, predictions, ())
    return model, evaluation


def test_an_incident_is_answered_as_if_its_label_had_not_been_learned():
    model, evaluation = judged({"a": 0.85, "b": 0.85})
    first, *_ = unknown_label_precision(model, evaluation)
    # In scope three are auto, two of them right. Without its label only the last stays so.
    assert first.auto_share == pytest.approx(0.25)
    expected = 0.99 * 0.5 / (0.99 * 0.75 + 0.01 * 0.25)
    assert first.precision == pytest.approx(expected)


def test_more_unknown_labels_lower_the_precision():
    estimates = unknown_label_precision(*judged({"a": 0.6, "b": 0.6}))
    precisions = [estimate.precision for estimate in estimates]
    assert precisions == sorted(precisions, reverse=True)
    assert "1%, 5%, 10%" in describe_unknown_label_precision(estimates)[0]


def test_incidents_whose_probability_is_spread_do_not_count():
    model, evaluation = judged({"a": 0.85, "b": 0.85})
    model.residual_probability_ = SimpleNamespace(
        is_usual=lambda rows: np.zeros(len(rows), np.bool_)
    )
    assert unknown_label_precision(model, evaluation)[0].auto_share == 0


def test_answers_that_may_not_be_auto_do_not_count():
    model, evaluation = judged({"a": 0.85, "b": 0.85})
    stopped = replace(evaluation, allows_auto=np.zeros(4, np.bool_))
    assert unknown_label_precision(model, stopped) == ()


def test_without_auto_there_is_nothing_to_estimate():
    assert unknown_label_precision(*judged({})) == ()
    assert describe_unknown_label_precision(()) == ()

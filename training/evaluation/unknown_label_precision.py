"""Estimates the precision of `auto` if some incidents had labels that the model has not learned."""

import numpy as np

from models.base.model_card import UnknownLabelPrecision
from models.classification.calibrated_model import CalibratedModel
from models.classification.scorers.scorer import Rows
from training.evaluation.bootstrap import Floats
from training.evaluation.evaluate import Evaluation, Flags

SHARES = (0.01, 0.05, 0.1)


def unknown_label_precision(
    model: CalibratedModel, evaluation: Evaluation
) -> tuple[UnknownLabelPrecision, ...]:
    """Return the estimates for 1, 5 and 10% of such incidents, none without `auto` answers.

    The label of each held-out incident is taken out of the model's probabilities, and the others
    are divided by their sum, as if the model had not learned it. This is the hardest case: novelty
    stops most other topics, but rarely such incidents.
    """
    judged, probabilities = evaluation.judged, model.cross_fit_.probabilities
    is_auto = _is_certain(model, judged.predicted, evaluation.actionable.confidence)
    if not is_auto.any():
        return ()
    rows = np.arange(len(probabilities))
    others = probabilities.copy()
    others[rows, judged.labels] = 0.0
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-12)
    predicted = others.argmax(axis=1)
    confidence = others[rows, predicted]
    auto_share = float(is_auto.mean())
    right_share = float((is_auto & (judged.predicted == judged.labels)).mean())
    is_answered = _is_certain(model, predicted, confidence) & model.are_concentrated(others)
    unknown_share = float(is_answered.mean())
    return tuple(
        UnknownLabelPrecision(
            share,
            (1 - share) * right_share / ((1 - share) * auto_share + share * unknown_share),
            unknown_share,
        )
        for share in SHARES
    )


def describe_unknown_label_precision(
    estimates: tuple[UnknownLabelPrecision, ...],
) -> tuple[str, ...]:
    """Return the estimates in one sentence, none without estimates."""
    if not estimates:
        return ()
    shares = ", ".join(f"{estimate.share:.0%}" for estimate in estimates)
    precisions = ", ".join(f"{estimate.precision:.3f}" for estimate in estimates)
    return (
        f"if {shares} of the incidents had labels that the model never learned, the precision of "
        f"auto would be about {precisions}: with each label left out in turn, "
        f"{estimates[0].auto_share:.0%} of its incidents would be answered auto",
    )


def _is_certain(model: CalibratedModel, predicted: Rows, confidence: Floats) -> Flags:
    certificates = model.certification_.certificates
    thresholds = np.array(
        [
            certificates[label].threshold if label in certificates else np.inf
            for label in model.classes_
        ]
    )
    return np.asarray(confidence >= thresholds[predicted])

"""Restricts the answers of a request about reports that are unlike the history."""

from collections.abc import Mapping, Sequence

from models.base.demotion import demote
from models.base.predictions import Decision, NoveltyPrediction, Prediction
from models.classification.calibrated_predictor import CalibratedPredictor
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.novelty.novelty_gate import restrict
from serving.background.champions import Champions, LoadedVersion

Predictions = Mapping[str, Sequence[Prediction]]


def restrict_unusual(predictions: Predictions, champions: Champions) -> Predictions:
    """Return the predictions by target, restricted by the predictions of novelty.

    Without them, a model whose certificates need novelty gives no `auto` answer.
    """
    judgements = [
        judgement
        for judgement in predictions.get(NOVELTY, ())
        if isinstance(judgement, NoveltyPrediction)
    ]
    if NOVELTY in predictions:
        return {
            target: [
                restrict(target, prediction, judgement)
                for prediction, judgement in zip(target_predictions, judgements, strict=True)
            ]
            for target, target_predictions in predictions.items()
        }
    return {
        target: [demote(prediction, Decision.SUGGEST) for prediction in target_predictions]
        if _needs_novelty(champions.serving.get(target))
        else target_predictions
        for target, target_predictions in predictions.items()
    }


def _needs_novelty(champion: LoadedVersion | None) -> bool:
    model = None if champion is None else champion.model
    return isinstance(model, CalibratedPredictor) and model.certification_.needs_novelty

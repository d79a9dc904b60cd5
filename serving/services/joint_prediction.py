"""Asks all predictors about the reports of a request, and restricts answers about unusual ones."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.errors import PrecedentError
from models.base.demotion import demote
from models.base.predictions import Decision, LabelPrediction, NoveltyPrediction, Prediction
from models.classification.calibrated_predictor import (
    Answered,
    CalibratedPredictor,
    explain_answers,
)
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.novelty.novelty_gate import restrict
from serving.background.champions import Champions, LoadedVersion

_log = logging.getLogger(__name__)

Predictions = Mapping[str, Sequence[Prediction]]
Predict = Callable[[Sequence[IncidentReport]], Sequence[Prediction]]


@dataclass(frozen=True, slots=True)
class LabelPredictor:
    """A model that answers with labels, and the rates that its answers are corrected to."""

    model: CalibratedPredictor
    rates: LabelRates | None


def predict_together(
    predictors: Mapping[str, Predict | LabelPredictor],
    reports: Sequence[IncidentReport],
    *,
    with_evidence: bool,
) -> tuple[dict[str, Sequence[Prediction]], dict[str, str]]:
    """Return each target's predictions, and the reason for each target that cannot answer now.

    Evidence of all labels is measured in one pass, which costs much less than one for each target.
    """
    if not reports:
        return {target: [] for target in predictors}, {}
    answered: dict[str, Answered] = {}
    predictions: dict[str, Sequence[Prediction]] = {}
    failed = {}
    for target, predictor in predictors.items():
        try:
            if isinstance(predictor, LabelPredictor):
                answered[target] = predictor.model.answer(reports, predictor.rates)
            else:
                predictions[target] = predictor(reports)
        except PrecedentError as error:
            fields = {"target": target, "reason": str(error)}
            _log.error("a champion cannot answer", extra={"fields": fields})
            failed[target] = "cannot answer now; the log says why"
    return predictions | _conclude(predictors, answered, with_evidence=with_evidence), failed


def _conclude(
    predictors: Mapping[str, Predict | LabelPredictor],
    answered: Mapping[str, Answered],
    *,
    with_evidence: bool,
) -> dict[str, list[LabelPrediction]]:
    models = {
        target: predictor.model
        for target, predictor in predictors.items()
        if isinstance(predictor, LabelPredictor) and target in answered
    }
    if not models:
        return {}
    answers = [answered[target] for target in models]
    evidence = (
        explain_answers(list(models.values()), answers) if with_evidence else [None] * len(answers)
    )
    return {
        target: model.conclude(answer, of_model)
        for (target, model), answer, of_model in zip(models.items(), answers, evidence, strict=True)
    }


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

"""Asks several predictors about the same reports, and explains the answers of labels together."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.errors import PrecedentError
from models.base.predictions import LabelPrediction, Prediction
from models.classification.calibrated_predictor import (
    Answered,
    CalibratedPredictor,
    explain_answers,
)

_log = logging.getLogger(__name__)

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
    answers = [answered[target] for target in models]
    evidence = (
        explain_answers(list(models.values()), answers) if with_evidence else [None] * len(answers)
    )
    return {
        target: model.conclude(answer, of_model)
        for (target, model), answer, of_model in zip(models.items(), answers, evidence, strict=True)
    }

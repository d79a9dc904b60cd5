"""Precedent in a replay: refitted for each unit, or retrained through the gate."""

from collections.abc import Sequence

import numpy as np
from replay_units import Answers, Contender

from features.domain.history import History
from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from features.home import Home
from models.classification.calibrated_model import CalibratedModel
from training.dataset.split import split_history
from training.pipeline.fit import fit_and_judge
from training.pipeline.train import choose_targets
from training.plan import TrainingPlan


def refitted(target_name: str, home: Home, *, encoder: str = MINILM) -> Contender:
    """Fit and evaluate for each unit as a training does, without a store and without the gate."""
    plan = plan_for(target_name, home, encoder)

    def answer(past: History, asked: Sequence[IncidentReport]) -> Answers:
        (target,), _ = choose_targets(past, plan.targets)
        model, _ = fit_and_judge(past, target, split_history(past, seed=plan.seed), plan)
        return answers_of(model, asked)

    return answer


def plan_for(target_name: str, home: Home, encoder: str) -> TrainingPlan:
    """Return the plan of a training of one target."""
    return TrainingPlan(home, "default", home.database_url, encoder, (target_name,))


def answers_of(
    model: CalibratedModel, asked: Sequence[IncidentReport], rates: LabelRates | None = None
) -> Answers:
    """Return a model's answers; the picked label of a severity need not be the likeliest."""
    numbers = {label: number for number, label in enumerate(model.classes_)}
    picked = [numbers[answer.label] for answer in model.predict(asked, rates)]
    probabilities = model.predict_proba(asked, rates)
    return Answers(tuple(model.classes_), probabilities, np.array(picked, dtype=np.int64))

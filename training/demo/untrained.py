"""Trains what a home has no version of, such as a kind of model that is new to the program."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from features.domain.history import History
from features.errors import NotEnoughHistory
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.novelty.novelty_model import FEWEST_INCIDENTS
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from training.dataset.label_maturity import exclude_immature
from training.dataset.point_in_time import read_point_in_time
from training.dataset.targets import find_targets
from training.pipeline.report import TrainingReport
from training.pipeline.retrain import RetrainingRequest, retrain
from training.pipeline.train_resolution import FEWEST_RESOLVED, count_telling
from training.pipeline.train_runbooks import TARGET as RUNBOOKS
from training.pipeline.train_similar import TARGET as SIMILAR
from training.plan import Progress, TrainingPlan

_REASON = "no version was registered"


def untrained_targets(
    store: Store, registry: ModelRegistry, plan: TrainingPlan, now: datetime
) -> tuple[str, ...]:
    """Return the targets that the stored history supports and of which no version is registered.

    A version that was not promoted counts: training it again would give the same version.
    """
    registered = {*registry.champion_numbers(), *registry.unpromoted()}
    history = exclude_immature(read_point_in_time(store, now).history, now).history
    supported = _supported(history, plan, has_runbooks=bool(store.runbooks.all()))
    return tuple(target for target in supported if target not in registered)


def train_untrained(
    targets: tuple[str, ...], plan: TrainingPlan, store: Store, now: datetime, progress: Progress
) -> Iterator[tuple[str, TrainingReport | NotEnoughHistory]]:
    """Train each target on the stored history, and yield its report, or why it was not trained."""
    for target in targets:
        request = RetrainingRequest(now, reason=f"{_REASON} of {target}")
        try:
            result = retrain(request, replace(plan, targets=(target,)), store, progress)
        except NotEnoughHistory as error:
            yield target, error
        else:
            yield target, result.report


def _supported(history: History, plan: TrainingPlan, *, has_runbooks: bool) -> Iterator[str]:
    targets, _ = find_targets(history)
    yield from (target.name for target in targets)
    reports = [incident.report for incident in history.incidents]
    if any(report.title or report.description for report in reports):
        yield SIMILAR
    if has_runbooks:
        yield RUNBOOKS
    if count_telling(history, plan) >= FEWEST_RESOLVED:
        yield RESOLUTION
    if len(reports) >= FEWEST_INCIDENTS:
        yield NOVELTY

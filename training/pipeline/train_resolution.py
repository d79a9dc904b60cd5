"""Trains and judges the model of the time to resolve, of breaches and of reassignments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from features.domain.history import History
from features.errors import NotEnoughHistory
from features.formatting import counted, interval
from models.base.gate_verdict import Verdict
from models.base.model_card import Card, Metric, package_versions
from models.resolution.baseline import Baseline
from models.resolution.observations import observe
from models.resolution.past_contexts import past_contexts
from models.resolution.resolution_model import MOST_LEARNED, ResolutionModel
from models.resolution.resolution_predictor import TARGET
from training.dataset.history_facts import count_rows, name_provenance
from training.dataset.known_outcomes import PastAndNewest, hold_out_newest
from training.dataset.split import Split
from training.dataset.targets import attributes_of
from training.evaluation.resolution_metrics import JudgedPart, judge_resolution
from training.pipeline.publish import apply_force_promote, publish
from training.pipeline.report import TrainedTarget
from training.plan import Progress, TrainingPlan

KIND = "resolution"
FEWEST_RESOLVED = 200


@dataclass(frozen=True, slots=True)
class TrainedResolution:
    """A model fitted on the whole history, and how one of its past forecast the newest quarter.

    `rows` counts the incidents that tell of a time, a target time or a reassignment. `verdict` says
    which parts answer: those that are better than the baseline.
    """

    model: ResolutionModel
    rows: int
    metrics: tuple[Metric, ...]
    verdict: Verdict
    split: str


def count_telling(history: History, plan: TrainingPlan) -> int:
    """Return the number of incidents whose resolution tells a time or whether something was missed.

    `FEWEST_RESOLVED` are needed to train.
    """
    seen = observe(history.incidents, target_hours=plan.target_hours)
    tells = seen.is_resolved & (
        np.isfinite(seen.hours) | np.isfinite(seen.missed) | np.isfinite(seen.reassigned)
    )
    return int(tells.sum())


def train_resolution(
    history: History, split: Split, plan: TrainingPlan, progress: Progress
) -> TrainedResolution:
    """Fit on the whole history, and judge the newest quarter by a model of what came before it.

    The model of the past knows what was known when the first judged incident opened. Parts that do
    not beat the baseline, the quantiles and shares of all incidents, do not answer. Raises
    `NotEnoughHistory` with fewer than 200 incidents whose resolution tells anything.
    """
    rows = count_telling(history, plan)
    if rows < FEWEST_RESOLVED:
        raise NotEnoughHistory(
            f"{TARGET}: {counted(rows, 'resolved incident')} with a time of resolution, a target "
            f"time or reassignments, at least {FEWEST_RESOLVED} are needed"
        )
    progress(TARGET, 0, 2)
    held_out = hold_out_newest(history.incidents, seed=plan.seed)
    parts = _judge(held_out, split, plan)
    progress(TARGET, 1, 2)
    model = ResolutionModel(seed=plan.seed).fit(history.incidents, target_hours=plan.target_hours)
    model.keep_parts([part.name for part in parts if part.beats_baseline])
    progress(TARGET, 2, 2)
    metrics = tuple(metric for part in parts for metric in part.metrics)
    return TrainedResolution(model, rows, metrics, judge_parts(parts), held_out.description)


def judge_parts(parts: tuple[JudgedPart, ...]) -> Verdict:
    """Return whether any part is better than the baseline, and what was measured of each."""
    if not parts:
        reason = "not promoted: too few of the newest incidents are resolved to judge forecasts"
        return Verdict(False, (reason,))
    return Verdict(
        any(part.beats_baseline for part in parts), tuple(_describe(part) for part in parts)
    )


def publish_resolution(
    trained: TrainedResolution, history: History, plan: TrainingPlan, run_id: str
) -> TrainedTarget:
    """Register the model, and promote it if any part is better than the baseline."""
    verdict = apply_force_promote(trained.verdict, plan)
    version = publish(
        trained.model,
        _card(trained, history, verdict),
        verdict,
        plan,
        run_id,
        learned_from=[incident.report.id for incident in history.incidents],
        attributes=attributes_of(history),
    )
    return replace(describe_resolution(trained), verdict=verdict, version=version.version)


def describe_resolution(trained: TrainedResolution) -> TrainedTarget:
    """Return the training result without verdict and version."""
    return TrainedTarget(
        target=TARGET,
        kind=KIND,
        rows=trained.rows,
        metrics=trained.metrics,
        notes=tuple(trained.model.unknown_.values()),
    )


def _judge(held_out: PastAndNewest, split: Split, plan: TrainingPlan) -> tuple[JudgedPart, ...]:
    past, judged = held_out.past, held_out.newest
    targets: Mapping[str, float] = plan.target_hours
    try:
        model = ResolutionModel(seed=plan.seed).fit(
            past, cutoff=held_out.starts_at, target_hours=targets
        )
    except NotEnoughHistory:
        return ()
    contexts = past_contexts(held_out.all_incidents, held_out.newest_rows, seed=plan.seed)
    return judge_resolution(
        model.forecast(contexts),
        observe(judged, cutoff=held_out.ends_at, target_hours=targets),
        Baseline.of(observe(past, cutoff=held_out.starts_at, target_hours=targets)),
        split.blocks[held_out.newest_rows],
    )


def _describe(part: JudgedPart) -> str:
    gain = f"{part.gain.value:+.3f}, 95% interval {interval(*part.gain.triple[1:], '+.3f')}"
    if part.beats_baseline:
        return f"{part.name}: better than the baseline, loss {gain}"
    return f"{part.name}: not better than the baseline, loss {gain}; it does not answer"


def _card(trained: TrainedResolution, history: History, verdict: Verdict) -> Card:
    opening_times = [
        incident.report.opened_at for incident in history.incidents if incident.report.opened_at
    ]
    levels = trained.model.levels_
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=count_rows(history, labelled=trained.rows),
        cutoff=max(opening_times, default=None),
        split=trained.split,
        provenance=name_provenance(history),
        metrics=trained.metrics,
        verdict=verdict,
        parameters={
            "level of the lower bound": round(levels.lower, 3),
            "level of the median": round(levels.median, 3),
            "level of the upper bound": round(levels.upper, 3),
            "facts": ", ".join(trained.model.features_.facts_),
            "most learned": MOST_LEARNED,
        },
        versions=package_versions(),
        notes=(*verdict.reasons, *trained.model.unknown_.values()),
    )

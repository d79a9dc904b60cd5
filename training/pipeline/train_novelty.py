"""Trains the model of novelty, and judges with it which held-out incidents `auto` may answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from features.domain.history import History
from features.domain.report import IncidentReport
from features.errors import NotEnoughHistory
from models.base.gate_verdict import Verdict
from models.base.model_card import Card, Metric, package_versions
from models.novelty.incident_order import order_incidents
from models.novelty.novelty_gate import TARGET
from models.novelty.novelty_model import MOST_LEARNED, NoveltyModel
from models.novelty.report_parts import ReportParts, Rows, read_parts
from training.dataset.history_facts import count_rows, name_provenance
from training.dataset.split import Split
from training.dataset.targets import attributes_of
from training.evaluation.bootstrap import Floats, bootstrap_share
from training.pipeline.publish import publish
from training.pipeline.report import TrainedTarget
from training.plan import Progress, TrainingPlan

KIND = "novelty"

_LEVELS = (0.01, 0.05, 0.1)
_NO_LABELS = "promoted with each training: it is calibrated on the newest incidents, without labels"

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrainedNovelty:
    """A model fitted on the whole history, and how models of the folds judge held-out incidents.

    `allows_auto` has a flag for each incident of the history: whether `auto` may answer it. It is
    true for an incident that no fold holds out. Both are None if the history is too short.
    """

    model: NoveltyModel | None = None
    allows_auto: Flags | None = None
    metrics: tuple[Metric, ...] = ()


def train_novelty(
    history: History, split: Split, plan: TrainingPlan, progress: Progress
) -> TrainedNovelty:
    """Fit on the whole history, and judge each fold's held-out incidents by a model of the rest."""
    reports = [incident.report for incident in history.incidents]
    allows_auto = np.ones(len(reports), dtype=np.bool_)
    parts = read_parts(reports, plan.encoder)
    p_values = np.full(len(reports), np.nan)
    for number, fold in enumerate(split.folds):
        progress("novelty", number, len(split.folds) + 1)
        model = _fit(reports, parts, split.copies, fold.fit, plan)
        if model is not None:
            held_out = parts.take(fold.judge)
            p_values[fold.judge] = model.p_values(held_out)
            allows_auto[fold.judge] = model.allow_auto(held_out)
    model = _fit(reports, parts, split.copies, np.arange(len(reports)), plan)
    progress("novelty", len(split.folds) + 1, len(split.folds) + 1)
    if model is None:
        return TrainedNovelty()
    return TrainedNovelty(model, allows_auto, _measure(p_values, split.blocks))


def publish_novelty(
    trained: TrainedNovelty, history: History, plan: TrainingPlan, run_id: str
) -> tuple[TrainedTarget, ...]:
    """Register and promote the model; return its result, none if the history is too short."""
    if trained.model is None:
        return ()
    verdict = Verdict(True, (_NO_LABELS,))
    version = publish(
        trained.model,
        _card(trained.model, trained.metrics, history, verdict),
        verdict,
        plan,
        run_id,
        learned_from=[incident.report.id for incident in history.incidents],
        attributes=attributes_of(history),
    )
    return tuple(
        replace(result, verdict=verdict, version=version.version)
        for result in describe_novelty(trained, history)
    )


def describe_novelty(trained: TrainedNovelty, history: History) -> tuple[TrainedTarget, ...]:
    """Return the training result without verdict and version, none if the history is too short."""
    if trained.model is None:
        return ()
    result = TrainedTarget(
        target=TARGET,
        kind=KIND,
        rows=len(history.incidents),
        metrics=trained.metrics,
    )
    return (result,)


def _fit(
    reports: Sequence[IncidentReport],
    parts: ReportParts,
    copies: Rows,
    rows: Rows,
    plan: TrainingPlan,
) -> NoveltyModel | None:
    model = NoveltyModel(
        encoder=plan.encoder,
        auto_level=plan.novelty.auto,
        novel_level=plan.novelty.novel,
        seed=plan.seed,
    )
    order = order_incidents([reports[row] for row in rows], copies[rows], seed=plan.seed)
    newest = order.newest(MOST_LEARNED)
    try:
        return model.learn(parts.take(rows[newest.rows]), newest)
    except NotEnoughHistory:
        return None


def _measure(p_values: Floats, blocks: Rows) -> tuple[Metric, ...]:
    """Return the share of held-out incidents whose p-value is at most each level."""
    judged = np.flatnonzero(np.isfinite(p_values))
    if not len(judged):
        return ()
    return tuple(
        Metric(
            f"p_value_at_most_{level:g}",
            *bootstrap_share(p_values[judged] <= level, blocks[judged]).triple,
        )
        for level in _LEVELS
    )


def _card(
    model: NoveltyModel, metrics: tuple[Metric, ...], history: History, verdict: Verdict
) -> Card:
    opening_times = [
        incident.report.opened_at for incident in history.incidents if incident.report.opened_at
    ]
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=count_rows(history),
        cutoff=max(opening_times, default=None),
        provenance=name_provenance(history),
        metrics=metrics,
        verdict=verdict,
        parameters={"auto_level": model.auto_level, "novel_level": model.novel_level},
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=(_NO_LABELS,),
    )

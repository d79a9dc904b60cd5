"""Registers a judged model as challenger, and promotes it where the gate lets it."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from models.artifacts.folder import save_artifact
from models.artifacts.registry import ModelVersion
from models.artifacts.snapshots import EvaluationFolder
from models.card import Card
from models.report_model import ReportModel
from training.gate import Verdict
from training.plan import TrainingPlan
from training.promote import promote
from training.register import register


def publish(
    model: ReportModel,
    card: Card,
    verdict: Verdict,
    plan: TrainingPlan,
    run_id: str,
    *,
    learned_from: Sequence[str],
    attributes: Sequence[str],
    keep_evaluation: Callable[[EvaluationFolder], None] | None = None,
) -> ModelVersion:
    """Save a model with its card, register it under a run, and promote it if the verdict says so.

    `learned_from` are ids of incidents, `attributes` the report columns beyond the usual ones, and
    `keep_evaluation` writes what is kept on how it was judged.
    """
    with tempfile.TemporaryDirectory(prefix="artifact-", dir=plan.home.root) as folder:
        artifact, judged = Path(folder) / "model", EvaluationFolder(Path(folder) / "evaluation")
        save_artifact(model, card, artifact, learned_from=learned_from)
        if keep_evaluation is not None:
            keep_evaluation(judged)
        version = register(
            artifact,
            card,
            home=plan.home,
            tenant=plan.tenant,
            parent_run_id=run_id,
            attributes=attributes,
            evaluation=judged.root if keep_evaluation is not None else None,
        )
    if verdict.promoted:
        promote(card.target, version.version, home=plan.home, tenant=plan.tenant)
    return version


def forced(verdict: Verdict, plan: TrainingPlan) -> Verdict:
    """Return the verdict, or its opposite where the plan skips the gate."""
    if verdict.promoted or not plan.force_promote:
        return verdict
    return Verdict(True, (*verdict.reasons, "promoted all the same, by --force-promote"))

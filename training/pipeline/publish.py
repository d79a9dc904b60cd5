"""Registers an evaluated model, promotes it if the gate allows, and writes the audit log."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from features.domain.audit_event import AuditEvent
from features.store.store import open_store
from models.artifacts.evaluation_files import EvaluationFolder
from models.artifacts.registry import ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.base.gate_verdict import Verdict
from models.base.model_card import Card
from models.base.report_model import ReportModel
from models.lifecycle.promotion import promote
from training.pipeline.register import register
from training.plan import TrainingPlan


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

    `learned_from` are the ids of the training incidents, `attributes` the names of the reports'
    attributes. `keep_evaluation` writes the files of the evaluation into a folder.
    """
    with tempfile.TemporaryDirectory(prefix="artifact-", dir=plan.home.root) as folder:
        artifact, evaluation = Path(folder) / "model", EvaluationFolder(Path(folder) / "evaluation")
        save_artifact(model, card, artifact, learned_from=learned_from)
        evaluation.root.mkdir()
        evaluation.verdict.write_text(verdict.to_json(), encoding="utf-8")
        if keep_evaluation is not None:
            keep_evaluation(evaluation)
        version = register(
            artifact,
            card,
            home=plan.home,
            tenant=plan.tenant,
            parent_run_id=run_id,
            attributes=attributes,
            evaluation=evaluation.root,
        )
    _apply_verdict(verdict, version, card, plan)
    return version


def apply_force_promote(verdict: Verdict, plan: TrainingPlan) -> Verdict:
    """Return the verdict, changed to a promotion if the plan forces it."""
    if verdict.promoted or not plan.force_promote:
        return verdict
    reasons = (*verdict.reasons, "promoted in spite of the gate, by --force-promote")
    return replace(verdict, promoted=True, reasons=reasons)


def _apply_verdict(verdict: Verdict, version: ModelVersion, card: Card, plan: TrainingPlan) -> None:
    """Promote the version or keep the champion, and write the reason to the audit log."""
    reason = "; ".join(verdict.reasons)
    details = {
        "data_sha256": card.data_sha256,
        "differences": verdict.figures(),
        "warnings": list(verdict.warnings),
    }
    with open_store(plan.database_url, plan.tenant) as store:
        if verdict.promoted:
            promote(
                card.target,
                version.version,
                home=plan.home,
                tenant=plan.tenant,
                store=store,
                actor=plan.actor,
                reason=reason,
                details=details,
            )
            return
        now = datetime.now(UTC)
        store.audit_log.append(
            AuditEvent(now, plan.actor, "refuse", card.target, version.version, reason, details)
        )

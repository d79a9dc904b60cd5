"""Registers a judged model as challenger, promotes it where the gate lets it, and logs both."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from features.domain.audit_event import AuditEvent
from features.store.store import open_store
from models.artifacts.evaluation_files import EvaluationFolder
from models.artifacts.registry import ModelVersion
from models.artifacts.save_load import save_artifact
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

    `learned_from` are ids of incidents, `attributes` the report columns beyond the usual ones, and
    `keep_evaluation` writes what is kept on how it was judged.
    """
    with tempfile.TemporaryDirectory(prefix="artifact-", dir=plan.home.root) as folder:
        artifact, judged = Path(folder) / "model", EvaluationFolder(Path(folder) / "evaluation")
        save_artifact(model, card, artifact, learned_from=learned_from)
        judged.root.mkdir()
        judged.verdict.write_text(verdict.to_json(), encoding="utf-8")
        if keep_evaluation is not None:
            keep_evaluation(judged)
        version = register(
            artifact,
            card,
            home=plan.home,
            tenant=plan.tenant,
            parent_run_id=run_id,
            attributes=attributes,
            evaluation=judged.root,
        )
    _apply_verdict(verdict, version, card, plan)
    return version


def apply_force_promote(verdict: Verdict, plan: TrainingPlan) -> Verdict:
    """Return the verdict, or its opposite where the plan skips the gate."""
    if verdict.promoted or not plan.force_promote:
        return verdict
    reasons = (*verdict.reasons, "promoted all the same, by --force-promote")
    return replace(verdict, promoted=True, reasons=reasons)


def _apply_verdict(verdict: Verdict, version: ModelVersion, card: Card, plan: TrainingPlan) -> None:
    """Promote the version or let the champion be, and tell the audit log why."""
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

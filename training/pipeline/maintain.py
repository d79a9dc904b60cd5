"""Looks for changes and retrains when due, in one step without a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from features.domain.monitoring import MonitoringReport
from features.errors import PrecedentError
from features.formatting import counted, one_line
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from models.lifecycle.suspension import apply_judgements
from training.monitoring.report import build_report
from training.pipeline.report import TrainingReport
from training.pipeline.retrain import RetrainingRequest, retrain
from training.pipeline.retrain_trigger import RetrainingDecision, decide_retraining
from training.plan import Progress, TrainingPlan

Action = Literal["promoted", "refused", "kept"]


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What a maintenance run did with a target, and why.

    `promoted`: the new `version` is champion. `refused`: the gate refused the new `version`, which
    stays challenger, and the `champion` before it, if any, was kept. `kept`: no version was
    trained.
    """

    action: Action
    reason: str
    version: str | None
    champion: str | None

    def describe(self) -> str:
        """Return the result in words.

        >>> TargetResult("refused", "it is worse", "4", "3").describe()
        'version 4 refused, version 3 stays champion: it is worse'
        """
        champion = "there is no champion"
        if self.champion is not None:
            champion = f"version {self.champion} stays champion"
        if self.action == "promoted":
            return f"version {self.version} promoted: {self.reason}"
        if self.action == "refused":
            return f"version {self.version} refused, {champion}: {self.reason}"
        return f"{champion}: {self.reason}"


@dataclass(frozen=True, slots=True)
class MaintenanceResult:
    """What a maintenance run found, what it did, and when the next retraining is due.

    `failure` says why a retraining that was due failed. From `next_at` on, new labels make a
    retraining due.
    """

    found: MonitoringReport
    decision: RetrainingDecision
    targets: Mapping[str, TargetResult] = field(default_factory=dict)
    is_retrained: bool = False
    failure: str | None = None
    next_at: datetime | None = None

    def describe(self) -> str:
        """Return the message: findings, decision, result of each target, and the next date."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count = len(self.found.proposals)
        proposals = f"; {counted(count, 'proposal')}, see precedent monitor" if count else ""
        yield f"found: {self.found.verdict}{proposals}"
        for alarm in self.found.alarms:
            yield f"  {alarm.statement}"
        if self.failure is not None:
            yield f"not retrained: due ({self.decision.describe()}), but it failed: {self.failure}"
        else:
            done = "retrained" if self.is_retrained else "not retrained"
            yield f"{done}: {self.decision.describe().removeprefix('not due: ')}"
        for target, result in self.targets.items():
            yield f"  {target}: {result.describe()}"
        if self.is_retrained and self.next_at is not None:
            yield f"next on {self.next_at:%Y-%m-%d}, or when a change has enough labels"


def maintain(
    plan: TrainingPlan,
    store: Store,
    *,
    retrain_days: float,
    days: int | None = None,
    progress: Progress,
) -> MaintenanceResult:
    """Build and store a monitoring report, retrain if that is due, and return what was done.

    Champions that are worse than their baseline are suspended before that.

    `days` limits the report as for `build_report`; `retrain_days` is the time between trainings
    without an alarm. A retraining that fails is part of the result; all champions then stay. Raises
    `RegistryUnavailable` and `StoreUnavailable`.
    """
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    found = build_report(store, registry, plan.home, plan.encoder, days=days)
    store.monitoring_reports.save(found)
    apply_judgements(found.judgements, store, found.at)
    now = datetime.now(UTC)
    decision = decide_retraining(store, registry, plan.targets, retrain_days=retrain_days, now=now)
    if not decision.is_due:
        return MaintenanceResult(found, decision, next_at=decision.next_at)
    champions = registry.champion_numbers()
    try:
        result = retrain(RetrainingRequest(now, reason=decision.reason), plan, store, progress)
    except PrecedentError as error:
        return MaintenanceResult(found, decision, failure=one_line(str(error)))
    return MaintenanceResult(
        found,
        decision,
        dict(_target_results(result.report, champions)),
        is_retrained=True,
        next_at=datetime.now(UTC) + timedelta(days=retrain_days),
    )


def _target_results(
    report: TrainingReport, champions: Mapping[str, str]
) -> Iterator[tuple[str, TargetResult]]:
    """Yield the result of each trained target, and of each that has a champion but was skipped."""
    for trained in report.trained:
        verdict = trained.verdict
        is_promoted = verdict is not None and verdict.promoted
        reason = "; ".join(verdict.reasons) if verdict is not None else ""
        action: Action = "promoted" if is_promoted else "refused"
        champion = trained.version if is_promoted else champions.get(trained.target)
        yield trained.target, TargetResult(action, reason, trained.version, champion)
    for target, reason in report.skipped.items():
        if target in champions:
            yield target, TargetResult("kept", reason, None, champions[target])

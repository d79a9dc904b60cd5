"""Decides whether to retrain: after a monitoring alarm, or some days after the last training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.formatting import counted
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from training.pipeline.retrain import last_finished

_SIGNALS_WITHOUT_DRIFT = frozenset({"latency"})


@dataclass(frozen=True, slots=True)
class RetrainingDecision:
    """Whether to retrain now, and the reason in one line."""

    is_due: bool
    reason: str


def decide_retraining(
    store: Store,
    registry: ModelRegistry,
    targets: Sequence[str],
    *,
    retrain_days: float,
    now: datetime,
) -> RetrainingDecision:
    """Decide whether to retrain the targets; without `targets`, all that have a champion.

    Retraining is due if a target has no champion, if the latest monitoring report is newer than the
    last training and has an alarm of drift, or if the last training is at least `retrain_days` old
    and there are labels since then. A training counts even if the gate refused its models, since
    another one would learn nothing new.
    """
    champions = registry.champions()
    versions = [version for name, version in champions.items() if not targets or name in targets]
    if not versions or any(target not in champions for target in targets):
        return RetrainingDecision(True, "there is no champion yet")
    trained_at = max(
        min(version.trained_at for version in versions),
        last_finished(store, targets) or datetime.min.replace(tzinfo=now.tzinfo),
    )
    alarm = _newer_alarm(store, targets, trained_at)
    if alarm is not None:
        return RetrainingDecision(True, f"alarm: {alarm}")
    label_count = store.labels.count_since(trained_at)
    next_at = trained_at + timedelta(days=retrain_days)
    if now < next_at:
        return RetrainingDecision(
            False, f"not due: last trained on {trained_at:%Y-%m-%d}, next on {next_at:%Y-%m-%d}"
        )
    if not label_count:
        return RetrainingDecision(False, f"not due: no new label since {trained_at:%Y-%m-%d}")
    return RetrainingDecision(
        True, f"last trained on {trained_at:%Y-%m-%d}, {counted(label_count, 'new label')} since"
    )


def _newer_alarm(store: Store, targets: Sequence[str], trained_at: datetime) -> str | None:
    report = store.monitoring_reports.latest()
    if report is None or report.at <= trained_at:
        return None
    for alarm in report.alarms:
        is_relevant = alarm.target is None or not targets or alarm.target in targets
        if is_relevant and alarm.signal not in _SIGNALS_WITHOUT_DRIFT:
            return alarm.statement
    return None

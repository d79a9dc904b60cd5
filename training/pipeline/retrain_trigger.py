"""Whether it is time to train anew: the last training is old, or what comes in has changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.formatting import counted
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from training.pipeline.retraining_events import last_finished

_NO_DRIFT = frozenset({"latency"})


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a schedule should train now, and why or why not, in a line."""

    is_due: bool
    reason: str


def why_due(
    store: Store,
    registry: ModelRegistry,
    targets: Sequence[str],
    *,
    retrain_days: float,
    now: datetime,
) -> Due:
    """Return whether the champions of the targets (none named: of all) should be followed up.

    They should when an alarm is newer than the last training, or when that is `retrain_days` old
    and labels came in since. A training whose models the gate refused counts: nothing new is known.
    """
    champions = registry.champions()
    wanted = [one for target, one in champions.items() if not targets or target in targets]
    if not wanted or any(target not in champions for target in targets):
        return Due(True, "there is no champion yet")
    trained_at = max(
        min(one.trained_at for one in wanted),
        last_finished(store, targets) or datetime.min.replace(tzinfo=now.tzinfo),
    )
    alarm = _newer_alarm(store, targets, trained_at)
    if alarm is not None:
        return Due(True, f"alarm: {alarm}")
    labels = store.labels.count_since(trained_at)
    next_at = trained_at + timedelta(days=retrain_days)
    if now < next_at:
        return Due(
            False, f"not due: last trained on {trained_at:%Y-%m-%d}, next on {next_at:%Y-%m-%d}"
        )
    if not labels:
        return Due(False, f"not due: no new label since {trained_at:%Y-%m-%d}")
    return Due(True, f"last trained on {trained_at:%Y-%m-%d}, {counted(labels, 'label')} since")


def _newer_alarm(store: Store, targets: Sequence[str], trained_at: datetime) -> str | None:
    found = store.monitoring_reports.latest()
    if found is None or found.at <= trained_at:
        return None
    for alarm in found.alarms:
        concerns = alarm.target is None or not targets or alarm.target in targets
        if concerns and alarm.signal not in _NO_DRIFT:
            return alarm.statement
    return None

"""Decides whether to retrain: after a change that can be learned now, or after some days."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from features.formatting import counted
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from training.monitoring.unlearned_changes import UnlearnedChange, find_unlearned_changes
from training.pipeline.retrain import last_finished


@dataclass(frozen=True, slots=True)
class RetrainingDecision:
    """Whether to retrain now, and the reason in one line.

    `waiting` are the changes that have too few labels to be learned. `next_at` is when the next
    training is due if there are new labels by then, None if a training is due now.
    """

    is_due: bool
    reason: str
    waiting: tuple[UnlearnedChange, ...] = ()
    next_at: datetime | None = None

    def describe(self) -> str:
        """Return the reason, and for each waiting change how many labels are missing."""
        return "; ".join((self.reason, *(change.describe() for change in self.waiting)))

    def waiting_fields(self) -> list[dict[str, object]]:
        """Return the waiting changes as fields of JSON."""
        return [asdict(change) | {"missing": change.missing} for change in self.waiting]


def decide_retraining(
    store: Store,
    registry: ModelRegistry,
    targets: Sequence[str],
    *,
    retrain_days: float,
    now: datetime,
) -> RetrainingDecision:
    """Decide whether to retrain the targets; without `targets`, all that have a champion.

    Retraining is due if a target has no champion, if `monitor` found a change that has enough
    labelled incidents by now to be learned, or if the last training is at least `retrain_days` old
    and there are labels since then. A training counts even if the gate refused its models, since
    another one would learn nothing new.
    """
    champions = registry.champions()
    versions = [version for name, version in champions.items() if not targets or name in targets]
    if not versions or any(target not in champions for target in targets):
        return RetrainingDecision(True, "there is no champion yet")
    changes = find_unlearned_changes(store, registry, targets, now)
    learnable = [change for change in changes if not change.missing]
    waiting = _next_of_each(change for change in changes if change.missing)
    if learnable:
        count = counted(learnable[0].labelled, "labelled incident")
        reason = f"alarm: {learnable[0].statement} ({count} since)"
        return RetrainingDecision(True, reason, waiting)
    trained_at = max(
        min(version.trained_at for version in versions),
        last_finished(store, targets) or datetime.min.replace(tzinfo=now.tzinfo),
    )
    next_at = trained_at + timedelta(days=retrain_days)
    if now < next_at:
        reason = f"not due: last trained on {trained_at:%Y-%m-%d}, next on {next_at:%Y-%m-%d}"
        return RetrainingDecision(False, reason, waiting, next_at)
    label_count = store.labels.count_since(trained_at)
    if not label_count:
        reason = f"not due: no new label since {trained_at:%Y-%m-%d}"
        return RetrainingDecision(False, reason, waiting, next_at)
    reason = f"last trained on {trained_at:%Y-%m-%d}, {counted(label_count, 'new label')} since"
    return RetrainingDecision(True, reason, waiting)


def _next_of_each(changes: Iterable[UnlearnedChange]) -> tuple[UnlearnedChange, ...]:
    """Return for each changed target or fact the change that misses the fewest labels."""
    fewest: dict[str, UnlearnedChange] = {}
    for change in changes:
        other = fewest.get(change.changed)
        if other is None or change.missing < other.missing:
            fewest[change.changed] = change
    return tuple(fewest.values())

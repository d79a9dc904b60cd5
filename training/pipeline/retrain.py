"""Trains anew on what use has taught: the store's incidents with the labels known by now."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from features.domain.audit_event import AuditEvent
from features.domain.history import History
from features.errors import StoreUnavailable
from features.store.store import Store
from training.dataset.label_maturity import ImmaturePeriod, exclude_immature
from training.dataset.point_in_time import PointInTimeHistory, read_point_in_time
from training.pipeline.report import TrainingReport
from training.pipeline.retraining_lock import RetrainingLock
from training.pipeline.train import train
from training.plan import Progress, TrainingPlan

_ACTION = "retrain"


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """What to train on: the store, a file or both, as known at the cutoff; and why, for the log."""

    cutoff: datetime
    file: History | None = None
    with_store: bool = True
    reason: str = "by hand"


@dataclass(frozen=True, slots=True)
class RetrainingResult:
    """What a retraining learned from, what it left out, and what came of it.

    `self_confirmed` counts labels that only repeat our own answers; none of them was learned from.
    """

    history: History
    left_out: tuple[ImmaturePeriod, ...]
    self_confirmed: int
    report: TrainingReport


def retrain(
    request: RetrainingRequest, plan: TrainingPlan, store: Store, progress: Progress
) -> RetrainingResult:
    """Train, judge and promote as `train` does, one at a time, and tell the audit log.

    What a file knows beyond the store is stored once the models are trained; what comes from the
    store is not written back. Raises `RetrainingBusy` while another process does so, and what
    `train` raises; whatever happens, a champion answers until a better one is registered whole.
    """
    details = {"cutoff": request.cutoff.isoformat(), "targets": list(plan.targets)}
    with (
        RetrainingLock(store, plan.actor) as lock,
        log_retraining(store, plan.actor, request.reason, details) as ending,
    ):

        def advance(step: str, done: int, of: int) -> None:
            lock.check()
            progress(step, done, of)

        past = read_point_in_time(
            store, request.cutoff, file=request.file, with_store=request.with_store
        )
        mature = exclude_immature(past.history, request.cutoff)
        report = train(mature.history, replace(plan, is_stored=True), advance)
        _store_news(store, past, is_filed=request.file is not None)
        ending |= {
            "data_sha256": past.history.sha256,
            "incidents": len(mature.history.incidents),
            "echoes": past.self_confirmed,
            "left_out": [*(period.describe() for period in mature.left_out), *past.warnings],
            "versions": {trained.target: trained.version for trained in report.trained},
        }
    report = replace(report, warnings=(*past.warnings, *report.warnings))
    return RetrainingResult(mature.history, mature.left_out, past.self_confirmed, report)


def _store_news(store: Store, past: PointInTimeHistory, *, is_filed: bool) -> None:
    if past.incidents_to_store:
        store.incidents.upsert(past.incidents_to_store, past.labels_to_store)
    else:
        store.labels.record(past.labels_to_store)
    if is_filed:
        store.dataset_metadata.save(past.metadata)


@contextmanager
def log_retraining(
    store: Store, actor: str, reason: str, details: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Write to the log that a retraining began, and that it finished or why it failed.

    Yields the details of its end, for the caller to fill. One whose end was never logged is logged
    as failed by the next.
    """
    before = store.audit_log.select(action=_ACTION)[-1:]
    if before and before[0].details.get("state") == "started":
        why = f"the one begun on {before[0].at:%Y-%m-%d %H:%M} UTC was killed or lost its machine"
        _log(store, "precedent", why, {"state": "failed"})
    _log(store, actor, reason, details | {"state": "started"})
    ending = dict(details)
    try:
        yield ending
    except BaseException as error:
        why = " ".join(str(error).split()) or type(error).__name__
        # What keeps the log from being written may be what the training failed by.
        with suppress(StoreUnavailable):
            _log(store, actor, f"failed: {why}", details | {"state": "failed"})
        raise
    _log(store, actor, reason, ending | {"state": "finished"})


def last_finished(store: Store, targets: Sequence[str] = ()) -> datetime | None:
    """Return when a retraining last finished that trained all these targets, None if never."""
    for event in reversed(store.audit_log.select(action=_ACTION)):
        trained = event.details.get("versions", {})
        is_done = event.details.get("state") == "finished"
        if is_done and all(target in trained for target in targets):
            return event.at
    return None


def _log(store: Store, actor: str, reason: str, details: dict[str, Any]) -> None:
    event = AuditEvent(datetime.now(UTC), actor, _ACTION, None, None, reason, details)
    store.audit_log.append(event)

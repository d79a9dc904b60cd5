"""Retrains on incidents and labels known at a cutoff, and logs this in the audit log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from features.domain.audit_event import AuditEvent
from features.domain.history import History
from features.domain.label_renames import Renames
from features.errors import ArtifactRejected, StoreUnavailable
from features.store.store import Store
from models.artifacts.registry import ModelRegistry
from models.lifecycle.suspension import apply_judgements
from training.dataset.label_maturity import ImmaturePeriod, exclude_immature
from training.dataset.point_in_time import PointInTimeHistory, read_point_in_time
from training.monitoring.champion_judgement import find_champions, judge_champions
from training.monitoring.dataset import first_incidents
from training.pipeline.report import TrainingReport
from training.pipeline.retraining_lock import RetrainingLock
from training.pipeline.train import train
from training.plan import Progress, TrainingPlan

_ACTION = "retrain"


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """The data to train on: the store, a file or both, as known at the cutoff.

    `reason` is written to the audit log. `renamed` are labels that were renamed, which are stored
    for all later trainings.
    """

    cutoff: datetime
    file: History | None = None
    with_store: bool = True
    reason: str = "by hand"
    renamed: Renames = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetrainingResult:
    """The history that a retraining learned from, what it left out, and its report.

    `self_confirmed` counts the labels that were left out because they only repeat Precedent's own
    answers.
    """

    history: History
    left_out: tuple[ImmaturePeriod, ...]
    self_confirmed: int
    report: TrainingReport


def retrain(
    request: RetrainingRequest, plan: TrainingPlan, store: Store, progress: Progress
) -> RetrainingResult:
    """Train, evaluate and promote like `train`, under a lock, and log this in the audit log.

    New incidents and labels of a file are stored after the models are trained. Data from the store
    are not written back. In the end each champion, old or new, is judged by the newest period and
    suspended if it is worse than its baseline (see `judge_champions`). Raises `RetrainingBusy`
    while another process is retraining, and whatever `train` raises. A target whose training fails
    keeps its champion.
    """
    details = {"cutoff": request.cutoff.isoformat(), "targets": list(plan.targets)}
    with (
        RetrainingLock(store, plan.actor) as lock,
        log_retraining(store, plan.actor, request.reason, details) as final_details,
    ):

        def advance(step: str, done: int, of: int) -> None:
            lock.check()
            progress(step, done, of)

        past = read_point_in_time(
            store,
            request.cutoff,
            file=request.file,
            with_store=request.with_store,
            renamed=request.renamed,
        )
        mature = exclude_immature(past.history, request.cutoff)
        report = train(mature.history, replace(plan, is_stored=True), advance)
        has_new_metadata = request.file is not None or bool(request.renamed)
        _store_new_data(store, past, has_new_metadata=has_new_metadata)
        _suspend_by_newest_period(past.history, plan, store)
        final_details |= {
            "data_sha256": past.history.sha256,
            "renamed": {target: dict(names) for target, names in past.metadata.renamed.items()},
            "incidents": len(mature.history.incidents),
            "echoes": past.self_confirmed,
            "left_out": [*(period.describe() for period in mature.left_out), *past.warnings],
            "versions": {trained.target: trained.version for trained in report.trained},
        }
    report = replace(report, warnings=(*past.warnings, *report.warnings))
    return RetrainingResult(mature.history, mature.left_out, past.self_confirmed, report)


def _store_new_data(store: Store, past: PointInTimeHistory, *, has_new_metadata: bool) -> None:
    if past.incidents_to_store:
        store.tracked.import_history(past.incidents_to_store, past.labels_to_store)
    else:
        store.labels.record(past.labels_to_store)
    if has_new_metadata:
        store.dataset_metadata.save(past.metadata)


def _suspend_by_newest_period(history: History, plan: TrainingPlan, store: Store) -> None:
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    incidents = first_incidents(history.incidents)
    # The training itself has ended well; `monitor` names a champion whose card cannot be read.
    with suppress(ArtifactRejected):
        judgements = judge_champions(store, find_champions(registry), incidents)
        apply_judgements(judgements, store, datetime.now(UTC))


@contextmanager
def log_retraining(
    store: Store, actor: str, reason: str, details: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Write to the audit log that a retraining started, and that it finished or why it failed.

    Yields the details of the final event, for the caller to fill. If the previous retraining has no
    final event, because it was killed, it is now logged as failed.
    """
    events = store.audit_log.select(action=_ACTION)[-1:]
    if events and events[0].details.get("state") == "started":
        start = f"{events[0].at:%Y-%m-%d %H:%M} UTC"
        _log(
            store,
            "precedent",
            f"the retraining started on {start} was killed, or its machine stopped",
            {"state": "failed"},
        )
    _log(store, actor, reason, details | {"state": "started"})
    final_details = dict(details)
    try:
        yield final_details
    except BaseException as error:
        message = " ".join(str(error).split()) or type(error).__name__
        # If the store caused the failure, the failure cannot be logged either.
        with suppress(StoreUnavailable):
            _log(store, actor, f"failed: {message}", details | {"state": "failed"})
        raise
    _log(store, actor, reason, final_details | {"state": "finished"})


def last_finished(store: Store, targets: Sequence[str] = ()) -> datetime | None:
    """Return when the last retraining that included all these targets finished, or None."""
    for event in reversed(store.audit_log.select(action=_ACTION)):
        trained = event.details.get("versions", {})
        is_finished = event.details.get("state") == "finished"
        if is_finished and all(target in trained for target in targets):
            return event.at
    return None


def _log(store: Store, actor: str, reason: str, details: dict[str, Any]) -> None:
    event = AuditEvent(datetime.now(UTC), actor, _ACTION, None, None, reason, details)
    store.audit_log.append(event)

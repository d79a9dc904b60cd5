"""Trains anew on what use has taught: the store's incidents with the labels known by now."""

from dataclasses import dataclass, replace
from datetime import datetime

from features.domain.history import History
from features.store.store import Store
from training.dataset.label_maturity import ImmaturePeriod, exclude_immature
from training.dataset.point_in_time import PointInTimeHistory, read_point_in_time
from training.pipeline.report import TrainingReport
from training.pipeline.retraining_events import told_in_log
from training.pipeline.retraining_lock import RetrainingLock
from training.pipeline.train import train
from training.plan import Progress, TrainingPlan


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to train on: the store, a file or both, as known at the cutoff; and why, for the log."""

    cutoff: datetime
    file: History | None = None
    with_store: bool = True
    reason: str = "by hand"


@dataclass(frozen=True, slots=True)
class Retrained:
    """What a retraining learned from, what it left out, and what came of it.

    `echoes` counts labels that only repeat our own answers; none of them was learned from.
    """

    history: History
    left_out: tuple[ImmaturePeriod, ...]
    echoes: int
    report: TrainingReport


def retrain(wanted: Wanted, plan: TrainingPlan, store: Store, progress: Progress) -> Retrained:
    """Train, judge and promote as `train` does, one at a time, and tell the audit log.

    What a file knows beyond the store is stored once the models are trained; what comes from the
    store is not written back. Raises `RetrainingBusy` while another process does so, and what
    `train` raises; whatever happens, a champion answers until a better one is registered whole.
    """
    details = {"cutoff": wanted.cutoff.isoformat(), "targets": list(plan.targets)}
    with (
        RetrainingLock(store, plan.actor) as lock,
        told_in_log(store, plan.actor, wanted.reason, details) as ending,
    ):

        def advance(step: str, done: int, of: int) -> None:
            lock.check()
            progress(step, done, of)

        past = read_point_in_time(
            store, wanted.cutoff, file=wanted.file, with_store=wanted.with_store
        )
        mature = exclude_immature(past.history, wanted.cutoff)
        report = train(mature.history, replace(plan, is_stored=True), advance)
        _store_news(store, past, is_filed=wanted.file is not None)
        ending |= {
            "data_sha256": past.history.sha256,
            "incidents": len(mature.history.incidents),
            "echoes": past.echoes,
            "left_out": [*(one.describe() for one in mature.left_out), *past.warnings],
            "versions": {one.target: one.version for one in report.trained},
        }
    told = replace(report, warnings=(*past.warnings, *report.warnings))
    return Retrained(mature.history, mature.left_out, past.echoes, told)


def _store_news(store: Store, past: PointInTimeHistory, *, is_filed: bool) -> None:
    if past.incidents_to_store:
        store.incidents.upsert(past.incidents_to_store, past.labels_to_store)
    else:
        store.labels.record(past.labels_to_store)
    if is_filed:
        store.dataset_metadata.save(past.facts)

"""Judges a fitted model on rows that it was not fitted on, beside a baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.domain.report import IncidentReport
from features.text.fingerprint import fingerprint
from models.base.model_card import Drift, Metric, SliceMetric
from models.classification.calibrated_model import CalibratedModel
from models.classification.cross_validation import Rows
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.bootstrap import Floats
from training.evaluation.conformal_coverage import judge_sets, most_frequent_sets, set_metrics
from training.evaluation.drift import find_drift
from training.evaluation.metrics import (
    CHOICE_METRICS,
    SEVERITY_METRICS,
    AnyJudged,
    HeldOutPredictions,
    measure,
)
from training.evaluation.slices import Slice, find_slices, measure_slices

BASELINE = "most frequent label"
_SMOOTHING = 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Held-out predictions of a model and of the baseline on the same `rows` of the history.

    `copies` numbers their groups of near-copies, `fingerprints` name the judged reports by content,
    `classes` the numbered labels. `drift` tells how the newest of them differ; None without usable
    times. `slices` are parts of the judged rows, `slice_metrics` how each of them was answered.
    """

    rows: Rows
    copies: Rows
    fingerprints: tuple[str, ...]
    classes: tuple[str, ...]
    judged: HeldOutPredictions
    baseline: HeldOutPredictions
    metrics: tuple[Metric, ...]
    drift: Drift | None = None
    slices: tuple[Slice, ...] = ()
    slice_metrics: tuple[SliceMetric, ...] = ()


def evaluate(
    model: CalibratedModel, target: Target, split: Split, reports: Sequence[IncidentReport]
) -> Evaluation:
    """Measure a fitted model by its cross-fitted predictions, with 95% intervals."""
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    found, rows = model.cross_fit_, model.cross_fit_.rows
    judged = _judge(model, labels[rows], split.blocks[rows])
    shares = _label_shares(labels, split, len(model.classes_))[rows]
    baseline = _most_frequent(judged, shares)
    metrics = _measured(SEVERITY_METRICS if target.is_ordered else CHOICE_METRICS, judged, baseline)
    sets = judge_sets(model.label_sets_, found, judged, split.copies[rows], split.folds)
    if sets is not None:
        ground = most_frequent_sets(shares, judged, model.label_sets_.coverage)
        metrics += _measured(set_metrics(sets), sets, ground)
    seen, copies = [reports[int(row)] for row in rows], split.copies[rows]
    slices = find_slices(seen, [model.classes_[number] for number in judged.labels])
    return Evaluation(
        rows=rows,
        copies=copies,
        fingerprints=tuple(fingerprint(report) for report in seen),
        classes=tuple(model.classes_),
        judged=judged,
        baseline=baseline,
        metrics=metrics,
        drift=find_drift(labels, rows, judged, split),
        slices=slices,
        slice_metrics=measure_slices(judged, slices, copies),
    )


def _judge(model: CalibratedModel, labels: Rows, blocks: Rows) -> HeldOutPredictions:
    found, probabilities = model.cross_fit_, model.cross_fit_.probabilities
    predicted = probabilities.argmax(axis=1) if found.predicted is None else found.predicted
    place = np.arange(len(labels))
    return HeldOutPredictions(
        labels=labels,
        predicted=predicted,
        confidence=probabilities[place, predicted],
        log_loss=-np.log(np.maximum(probabilities[place, labels], 1e-9)),
        blocks=blocks,
        classes=len(model.classes_),
    )


def _measured(
    figures: Mapping[str, Callable[[AnyJudged, Floats], float]], ours: AnyJudged, ground: AnyJudged
) -> tuple[Metric, ...]:
    """Return each figure with its interval, beside the baseline's."""
    metrics = []
    for name, figure in figures.items():
        found, base = measure(figure, ours), measure(figure, ground)
        metrics.append(Metric(name, *found.triple, base.value, BASELINE))
    return tuple(metrics)


def _label_shares(labels: Rows, split: Split, classes: int) -> Floats:
    """Return, for each incident, the labels' shares among the rows that its judge learned from."""
    shares = np.zeros((len(labels), classes))
    for fold in split.folds:
        known = labels[fold.fit][labels[fold.fit] >= 0]
        counts = np.bincount(known, minlength=classes) + _SMOOTHING
        shares[fold.judge] = counts / counts.sum()
    return shares


def _most_frequent(judged: HeldOutPredictions, shares: Floats) -> HeldOutPredictions:
    """Predict the most frequent label of each row's shares, with its share as confidence."""
    predicted = shares.argmax(axis=1)
    place = np.arange(len(shares))
    return replace(
        judged,
        predicted=predicted,
        confidence=shares[place, predicted],
        log_loss=-np.log(shares[place, judged.labels]),
    )

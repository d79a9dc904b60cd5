"""Evaluates a fitted model and a baseline on rows that neither was fitted on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.text.fingerprint import fingerprint
from models.base.model_card import Drift, Metric, SliceMetric
from models.classification.calibrated_model import CalibratedModel
from models.classification.scorers.scorer import Rows
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.bootstrap import Floats
from training.evaluation.conformal_coverage import judge_sets, most_frequent_sets, set_metrics
from training.evaluation.drift import find_drift, rows_since_drift
from training.evaluation.metrics import (
    CHOICE_METRICS,
    SEVERITY_METRICS,
    AnyPredictions,
    HeldOutPredictions,
    measure,
)
from training.evaluation.slices import Slice, find_slices, measure_slices

BASELINE = "most frequent label"
_SMOOTHING = 1.0
# With times, the baseline knows what has been usual lately: the shares of the newest labels, with
# the shares of all the past as if they were some further labels.
_NEWEST_LABELS, _LABELS_OF_ALL_PAST = 200, 20.0

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Held-out predictions of a model (`judged`) and of the baseline, on the same `rows`.

    `rows` are indices into the history's incidents. `copies` has the number of each row's near-copy
    group, and `fingerprints` identify the rows' reports by content. `classes` are the labels, in
    the order of their numbers. `allows_auto` says which rows may be `auto`: those that are usual
    enough, and rated no lower than their sender stated; None allows all. `drift` says whether newer
    rows differ from older ones; it is None without usable times. `slices` are parts of the rows,
    and `slice_metrics` the model's accuracy on each. `is_newest` says which rows were opened in the
    newest evaluated period; None without usable times. `is_since_change` says which rows were
    opened since the last found drift; None without one.
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
    allows_auto: Flags | None = None
    is_newest: Flags | None = None
    is_since_change: Flags | None = None

    @property
    def actionable(self) -> HeldOutPredictions:
        """The held-out predictions; where the answer may not be `auto`, the confidence is 0."""
        if self.allows_auto is None:
            return self.judged
        confidence = np.where(self.allows_auto, self.judged.confidence, 0.0)
        return replace(self.judged, confidence=confidence)

    def count_groups(self, rows: Rows) -> int:
        """Return how many groups of near-copies some of the rows, given by index, belong to."""
        return len(np.unique(self.copies[rows]))


def evaluate(
    model: CalibratedModel,
    target: Target,
    split: Split,
    reports: Sequence[IncidentReport],
    allows_auto: Flags | None = None,
) -> Evaluation:
    """Evaluate a fitted model by its cross-fitted predictions; metrics have 95% intervals.

    `allows_auto` has a flag for each report: whether it is usual enough for `auto`; by default all
    are.
    """
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    cross_fit, rows = model.cross_fit_, model.cross_fit_.rows
    predictions = _held_out_predictions(model, labels[rows], split.blocks[rows])
    shares = _label_shares(labels, split, len(model.classes_))[rows]
    baseline = _predict_most_frequent(predictions, shares)
    metrics = _measure_metrics(
        SEVERITY_METRICS if target.is_ordered else CHOICE_METRICS, predictions, baseline
    )
    sets = judge_sets(model.label_sets_, cross_fit, predictions, split.copies[rows], split.folds)
    if sets is not None:
        baseline_sets = most_frequent_sets(shares, predictions, model.label_sets_.coverage)
        metrics += _measure_metrics(set_metrics(sets), sets, baseline_sets)
    judged_reports, copies = [reports[int(row)] for row in rows], split.copies[rows]
    may_be_auto = model.may_be_auto(judged_reports, predictions.predicted)
    may_be_auto &= model.are_concentrated(model.drift_doubt_.widen(cross_fit.probabilities))
    drift = find_drift(labels, rows, predictions, split)
    has_drifted = drift is not None and drift.has_drifted
    slices = find_slices(judged_reports, [model.classes_[number] for number in predictions.labels])
    return Evaluation(
        rows=rows,
        copies=copies,
        fingerprints=tuple(fingerprint(report) for report in judged_reports),
        classes=tuple(model.classes_),
        judged=predictions,
        baseline=baseline,
        metrics=metrics,
        allows_auto=may_be_auto if allows_auto is None else may_be_auto & allows_auto[rows],
        drift=drift,
        slices=slices,
        slice_metrics=measure_slices(predictions, slices, copies),
        is_newest=np.isin(rows, split.periods[-1].rows) if split.periods else None,
        is_since_change=rows_since_drift(drift, rows, split) if has_drifted else None,
    )


def _held_out_predictions(model: CalibratedModel, labels: Rows, blocks: Rows) -> HeldOutPredictions:
    cross_fit = model.cross_fit_
    predicted = cross_fit.predicted
    if predicted is None:
        predicted = cross_fit.probabilities.argmax(axis=1)
    probabilities = model.drift_doubt_.widen(cross_fit.probabilities)
    row_numbers = np.arange(len(labels))
    return HeldOutPredictions(
        labels=labels,
        predicted=predicted,
        confidence=probabilities[row_numbers, predicted],
        log_loss=-np.log(np.maximum(probabilities[row_numbers, labels], 1e-9)),
        blocks=blocks,
        classes=len(model.classes_),
    )


def _measure_metrics(
    metrics: Mapping[str, Callable[[AnyPredictions, Floats], float]],
    predictions: AnyPredictions,
    baseline: AnyPredictions,
) -> tuple[Metric, ...]:
    """Return each metric with its 95% interval, and with the baseline's value."""
    results = []
    for name, metric in metrics.items():
        estimate, baseline_estimate = measure(metric, predictions), measure(metric, baseline)
        results.append(Metric(name, *estimate.triple, baseline_estimate.value, BASELINE))
    return tuple(results)


def _label_shares(labels: Rows, split: Split, classes: int) -> Floats:
    """Return for each incident the label shares in the rows that its fold's model was fitted on.

    The shape is (incidents, classes). With times, these are the shares of the newest labels. The
    count of each label is increased by one, so that no share of a held-out incident is zero.
    """
    shares = np.zeros((len(labels), classes))
    for place, fold in enumerate(split.folds):
        past = fold.fit[labels[fold.fit] >= 0]
        counts = _count_smoothed(labels[past], classes)
        if split.periods:
            before = split.periods[place].before
            newest = before[np.isin(before, past)][-_NEWEST_LABELS:]
            counts = np.bincount(labels[newest], minlength=classes) + (
                _LABELS_OF_ALL_PAST / counts.sum() * counts
            )
        shares[fold.judge] = counts / counts.sum()
    return shares


def _count_smoothed(labels: Rows, classes: int) -> Floats:
    return np.asarray(np.bincount(labels, minlength=classes) + _SMOOTHING)


def _predict_most_frequent(predictions: HeldOutPredictions, shares: Floats) -> HeldOutPredictions:
    """Predict for each row the label with the largest share; the share is the confidence."""
    predicted = shares.argmax(axis=1)
    row_numbers = np.arange(len(shares))
    return replace(
        predictions,
        predicted=predicted,
        confidence=shares[row_numbers, predicted],
        log_loss=-np.log(shares[row_numbers, predictions.labels]),
    )

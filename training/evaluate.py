"""Judges a fitted model on rows that it was not fitted on, beside a baseline."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.incident.report import IncidentReport
from models.calibrated import CalibratedModel
from models.card import Metric
from models.folds import Rows
from models.severity import SeverityModel
from training.metrics import CHOICE_METRICS, SEVERITY_METRICS, Judged, measure
from training.split import Split
from training.targets import Target

BASELINE = "most frequent label"
_SMOOTHING = 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Held-out predictions of a model and of the baseline on the same `rows` of the history.

    `fingerprints` name the judged reports by content, `classes` the numbered labels.
    """

    rows: Rows
    fingerprints: tuple[str, ...]
    classes: tuple[str, ...]
    judged: Judged
    baseline: Judged
    metrics: tuple[Metric, ...]


def evaluate(
    model: CalibratedModel, target: Target, split: Split, reports: Sequence[IncidentReport]
) -> Evaluation:
    """Measure a fitted model by its cross-fitted predictions, with 95% intervals."""
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    rows, probabilities = model.cross_fit_.rows, model.cross_fit_.probabilities
    predicted = (
        model.cheapest_ranks(probabilities)
        if isinstance(model, SeverityModel)
        else probabilities.argmax(axis=1)
    )
    place = np.arange(len(rows))
    judged = Judged(
        labels=labels[rows],
        predicted=predicted,
        confidence=probabilities[place, predicted],
        log_loss=-np.log(np.maximum(probabilities[place, labels[rows]], 1e-9)),
        blocks=split.blocks[rows],
        classes=len(model.classes_),
    )
    baseline = _most_frequent(labels, rows, split, model.classes_)
    figures = SEVERITY_METRICS if target.is_ordered else CHOICE_METRICS
    metrics = []
    for name, figure in figures.items():
        interval, ground = measure(figure, judged), measure(figure, baseline)
        metrics.append(
            Metric(name, interval.value, interval.low, interval.high, ground.value, BASELINE)
        )
    return Evaluation(
        rows=rows,
        fingerprints=tuple(fingerprint(reports[int(row)]) for row in rows),
        classes=tuple(model.classes_),
        judged=judged,
        baseline=baseline,
        metrics=tuple(metrics),
    )


def fingerprint(report: IncidentReport) -> str:
    """Return a name for a report's content, the same in any export that holds it.

    >>> first, second = IncidentReport(id="1", title="a"), IncidentReport(id="2", title="a")
    >>> fingerprint(first) == fingerprint(second)
    True
    """
    facts = repr((report.service, report.source, sorted(report.attributes.items())))
    content = "\x00".join((report.title, report.description, facts))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _most_frequent(labels: Rows, rows: Rows, split: Split, classes: Sequence[str]) -> Judged:
    """Predict the fitting rows' most frequent label, with the labels' shares as confidence."""
    shares = np.zeros((len(labels), len(classes)))
    for fold in split.folds:
        known = labels[fold.fit][labels[fold.fit] >= 0]
        counts = np.bincount(known, minlength=len(classes)) + _SMOOTHING
        shares[fold.judge] = counts / counts.sum()
    here = shares[rows]
    predicted = here.argmax(axis=1)
    place = np.arange(len(rows))
    return Judged(
        labels=labels[rows],
        predicted=predicted,
        confidence=here[place, predicted],
        log_loss=-np.log(here[place, labels[rows]]),
        blocks=split.blocks[rows],
        classes=len(classes),
    )

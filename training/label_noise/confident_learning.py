"""Finds rows whose label a model contradicts, and how many of them chance explains."""

from dataclasses import dataclass

import numpy as np
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray

from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]

_CONTROL_COUNT = 20
_BEYOND_NOISE = 1.645


@dataclass(frozen=True, slots=True)
class Contradictions:
    """The `rows` whose label is contradicted beyond chance, and the number expected `by_chance`.

    `rows` are places in the labels, those with the least probable labels first. `agreeing` is the
    estimated share of correct labels, by the confident joint and without what chance explains.
    """

    rows: Rows
    by_chance: float
    agreeing: float


def find_contradictions(labels: Rows, probabilities: Floats) -> Contradictions:
    """Find mistaken labels by confident learning, and subtract what a control has by chance.

    `labels` has each row's class number; `probabilities`, of shape (rows, classes), are those of
    the correct label in the row's period (`correct_to_periods`). Confident learning (Northcutt,
    Jiang and Chuang 2021, doi 10.1613/jair.1.12125) estimates how many labels are mistaken, and
    takes those with the lowest probability that are not the likeliest label. The control does the
    same 20 times with labels that hold no mistakes: each row's label is drawn by its probabilities,
    which shuffles the labels among the rows that the model does not tell apart, within each period.
    What is contradicted in the control comes from the model's doubt only. If no more labels are
    contradicted than in the control beyond its noise (one-sided, 95%), none is; else only as many
    as exceed the control's mean. So mistakes that the model is never sure of are missed.
    """
    is_doubtful = _is_doubtful(labels, probabilities)
    counts = _control_counts(probabilities)
    by_chance = float(counts.mean())
    observed = int(is_doubtful.sum())
    excess = observed - by_chance
    is_beyond_noise = excess > _BEYOND_NOISE * float(counts.std(ddof=1))
    rows = np.flatnonzero(is_doubtful)
    own = probabilities[rows, labels[rows]]
    kept = int(excess) if is_beyond_noise else 0
    trace = float(np.trace(estimate_joint(labels, probabilities)))
    return Contradictions(
        rows=rows[np.argsort(own, kind="stable")][:kept],
        by_chance=by_chance,
        agreeing=min(1.0, trace + min(by_chance, observed) / len(labels)),
    )


def _is_doubtful(labels: Rows, probabilities: Floats) -> NDArray[np.bool_]:
    is_issue = find_label_issues(labels, probabilities, filter_by="low_self_confidence", n_jobs=1)
    return np.asarray(is_issue & (probabilities.argmax(axis=1) != labels), dtype=np.bool_)


def _control_counts(probabilities: Floats) -> Floats:
    """Return how many labels are contradicted in each draw of labels without mistakes."""
    generator = np.random.default_rng(0)
    bounds = probabilities.cumsum(axis=1)[:, :-1]
    draws = (
        (generator.random((len(bounds), 1)) > bounds).sum(axis=1) for _ in range(_CONTROL_COUNT)
    )
    return np.array([_is_doubtful(drawn, probabilities).sum() for drawn in draws], dtype=float)

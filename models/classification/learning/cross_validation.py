"""Folds that keep near-copies together, to evaluate models on held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport
from features.errors import NotEnoughHistory
from features.text.cleaning import incident_text
from features.text.near_duplicates import near_copy_groups

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fold:
    """The row numbers to `fit` a model on, and the held-out row numbers (`judge`) to evaluate it.

    `adapted_scores`, of shape (all rows, classes), are the scores of an encoder and its classifier
    that were fine-tuned on the labels of the `fit` rows alone.
    """

    fit: Rows
    judge: Rows
    adapted_scores: Floats | None = None


def report_copy_groups(reports: Sequence[IncidentReport]) -> Rows:
    """Return each report's near-copy group; reports without text are grouped by equal facts."""
    texts = [incident_text(report) for report in reports]
    groups = near_copy_groups(texts)
    rows_without_text = [row for row, text in enumerate(texts) if not text]
    group_by_facts: dict[tuple[object, ...], int] = {}
    for row in rows_without_text:
        facts = (
            reports[row].service,
            reports[row].source,
            *sorted(reports[row].attributes.items()),
        )
        groups[row] = group_by_facts.setdefault(facts, len(texts) + row)
    return np.asarray(np.unique(groups, return_inverse=True)[1], dtype=np.int64)


def copy_folds(groups: Rows, *, folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Return folds that hold out whole groups, so that no group is both fitted on and held out.

    Raises `NotEnoughHistory` if there are fewer than two groups.

    >>> sorted(fold.judge.tolist() for fold in copy_folds(np.array([0, 0, 1]), folds=2))
    [[0, 1], [2]]
    """
    count = len(np.unique(groups))
    if count < 2:
        raise NotEnoughHistory(
            "all incidents say the same, so none can be held out to evaluate a model; "
            "map a title, a description or attributes that tell them apart"
        )
    # Imported here because only fitting needs it.
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(n_splits=min(folds, count), shuffle=True, random_state=seed)
    return tuple(Fold(fit, judge) for fit, judge in splitter.split(groups, groups=groups))


def one_of_each(groups: Rows, *, seed: int = 0) -> Rows:
    """Draw one row of each group at random; return the row numbers in rising order.

    Taking each group's first row would favour the label that a sorted export lists first.

    >>> groups = np.array([7, 7, 3, 7, 3])
    >>> sorted(groups[one_of_each(groups)].tolist())
    [3, 7]
    """
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    drawn = shuffled[np.unique(groups[shuffled], return_index=True)[1]]
    return np.asarray(np.sort(drawn), dtype=np.int64)


def fold_weights(folds: Sequence[Fold], rows: Rows) -> NDArray[np.float64]:
    """Return a weight for each held-out row, of mean 1.

    The total weight of a fold's rows is proportional to the square root of their number. If folds
    are organisations, equal weights would let an organisation with most of the rows outweigh all
    others.

    >>> folds = (Fold(np.array([4]), np.arange(4)), Fold(np.arange(4), np.array([4])))
    >>> fold_weights(folds, np.arange(5)).round(3).tolist()
    [0.833, 0.833, 0.833, 0.833, 1.667]
    """
    weights = np.ones(len(rows))
    for fold in folds:
        in_fold = np.isin(rows, fold.judge)
        weights[in_fold] = 1 / np.sqrt(max(in_fold.sum(), 1))
    return np.asarray(weights / weights.mean())

"""Folds that keep copies together, for everything that is judged on rows it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from features.errors import NotEnoughHistory
from features.incident.cleaning import incident_text
from features.incident.near_copies import near_copy_groups
from features.incident.report import IncidentReport

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers to fit on, and row numbers to judge."""

    fit: Rows
    judge: Rows


def report_copy_groups(reports: Sequence[IncidentReport]) -> Rows:
    """Return one near-copy group per report; reports without text are copies when facts agree."""
    texts = [incident_text(report) for report in reports]
    groups = near_copy_groups(texts)
    silent = [row for row, text in enumerate(texts) if not text]
    seen: dict[tuple[object, ...], int] = {}
    for row in silent:
        facts = (
            reports[row].service,
            reports[row].source,
            *sorted(reports[row].attributes.items()),
        )
        groups[row] = seen.setdefault(facts, len(texts) + row)
    return np.asarray(np.unique(groups, return_inverse=True)[1], dtype=np.int64)


def copy_folds(groups: Rows, *, folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Return folds in which no group is on both sides.

    Raises `NotEnoughHistory` when there are fewer than two groups.

    >>> sorted(fold.judge.tolist() for fold in copy_folds(np.array([0, 0, 1]), folds=2))
    [[0, 1], [2]]
    """
    count = len(np.unique(groups))
    if count < 2:
        raise NotEnoughHistory(
            "all incidents say the same, so none can judge what is learned from the others; "
            "map a title, a description or attributes that tell them apart"
        )
    splitter = GroupKFold(n_splits=min(folds, count), shuffle=True, random_state=seed)
    return tuple(Fold(fit, judge) for fit, judge in splitter.split(groups, groups=groups))

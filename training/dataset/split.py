"""Splits a history by the mapping's groups, else by time, else by near-copy groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from sklearn.model_selection import GroupKFold

from features.domain.history import History
from features.domain.report import ResolvedIncident
from models.classification.learning.cross_validation import (
    Fold,
    Rows,
    copy_folds,
    report_copy_groups,
)

_FOLDS = 5
# With many rows, four folds evaluate as precisely as five, and training takes under 90 seconds.
_FOLDS_OF_MANY_ROWS = 4
_MANY_ROWS = 30_000
_TIME_BLOCKS = 4
_FIRST_JUDGED_SHARE = 0.5
_MIN_DATED_SHARE = 0.9
_MIN_GROUPS = 3
_MIN_INCIDENTS = 10


@dataclass(frozen=True, slots=True)
class Period:
    """A period for evaluation: its start, the `rows` opened in it, and the rows opened `before`."""

    starts_at: datetime
    rows: Rows
    before: Rows


@dataclass(frozen=True, slots=True)
class Split:
    """The folds on which models are fitted and evaluated, and the blocks that are resampled.

    `blocks` has the number of each incident's day, group or near-copy group; intervals resample
    whole blocks. `copies` has the number of each incident's near-copy group; a certificate counts
    one incident per near-copy group.
    `periods` are the evaluated periods in order of time, empty unless the history is split by time.
    `warnings` say why the mapping's `split_by` was not used.
    """

    folds: tuple[Fold, ...]
    blocks: Rows
    copies: Rows
    description: str
    is_across_groups: bool = False
    periods: tuple[Period, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """A sentence that says for whose incidents the certificates hold."""
        if self.is_across_groups:
            groups = len(np.unique(self.blocks))
            return (
                f"certificates were proven across {groups} groups, each judged by models that were "
                "fitted on other groups: they also hold for a new group similar to these"
            )
        return (
            "certificates hold for this organisation's incidents only: no whole group was held "
            "out (`split_by` in the mapping does that)"
        )


def split_history(history: History, *, seed: int = 0) -> Split:
    """Split a history by its `split_by` column, else by time, else by near-copy groups."""
    incidents = history.incidents
    copies = report_copy_groups([incident.report for incident in incidents])
    if len(incidents) < _MIN_INCIDENTS:
        return Split((), copies, copies, f"no folds: fewer than {_MIN_INCIDENTS} incidents")
    group_count = len(set(history.groups))
    if group_count >= _MIN_GROUPS:
        return _split_by_group(history.groups, copies)
    split = (
        _split_by_time(incidents, copies) if is_dated(incidents) else _split_by_copies(copies, seed)
    )
    return replace(split, warnings=(_warn_of_few_groups(group_count),)) if group_count else split


def _warn_of_few_groups(groups: int) -> str:
    values = "1 value" if groups == 1 else f"{groups} different values"
    return (
        f"split_by: not used, since its column holds {values} and at least {_MIN_GROUPS} are "
        "needed; the quality of answers for another organisation is not measured"
    )


def is_dated(incidents: Sequence[ResolvedIncident]) -> bool:
    """Tell whether at least 90% of the incidents have an opening time."""
    dated_count = sum(incident.report.opened_at is not None for incident in incidents)
    return dated_count >= _MIN_DATED_SHARE * len(incidents)


def _split_by_group(groups: Sequence[str], copies: Rows) -> Split:
    _, group_numbers = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    count = int(group_numbers.max()) + 1
    splitter = GroupKFold(n_splits=min(count, 2 * _FOLDS))
    folds = tuple(
        Fold(fit, judge) for fit, judge in splitter.split(group_numbers, groups=group_numbers)
    )
    return Split(
        folds, group_numbers, copies, f"{len(folds)} folds, no group of {count} on both sides", True
    )


def _split_by_copies(copies: Rows, seed: int) -> Split:
    count = _FOLDS if len(copies) < _MANY_ROWS else _FOLDS_OF_MANY_ROWS
    folds = copy_folds(copies, folds=count, seed=seed)
    return Split(
        folds, copies, copies, f"{len(folds)} folds, no near-copies on both sides (no usable times)"
    )


def _split_by_time(incidents: Sequence[ResolvedIncident], copies: Rows) -> Split:
    """Split the later half of the incidents into four periods for evaluation (rolling origin).

    The model for a period is fitted on the earlier incidents whose labels were known when the
    period started.
    """
    opened_at = np.array([_timestamp(incident.report.opened_at) for incident in incidents])
    labels_known_at = np.array([_timestamp(incident.labels_known_at) for incident in incidents])
    dated_rows = np.flatnonzero(np.isfinite(opened_at))
    order = dated_rows[np.argsort(opened_at[dated_rows], kind="stable")]
    bounds = np.linspace(_FIRST_JUDGED_SHARE * len(order), len(order), _TIME_BLOCKS + 1).astype(int)
    folds, periods = [], []
    for start, end in pairwise(bounds):
        origin = opened_at[order[start]]
        starts_at = datetime.fromtimestamp(origin, tz=UTC)
        periods.append(Period(starts_at, order[start:end], order[:start]))
        fit_rows = order[:start][labels_known_at[order[:start]] <= origin]
        folds.append(Fold(np.sort(fit_rows), np.sort(order[start:end])))
    first_day = periods[0].starts_at.date()
    day_numbers = np.unique(np.floor(np.nan_to_num(opened_at) / 86_400), return_inverse=True)[1]
    return Split(
        tuple(folds),
        day_numbers,
        copies,
        f"{len(folds)} later periods from {first_day} on, each judged by a model of its past",
        periods=tuple(periods),
    )


def _timestamp(moment: datetime | None) -> float:
    return float("nan") if moment is None else moment.timestamp()

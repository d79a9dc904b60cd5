"""Honest splits: by time, else by a stated group, else by near-copy group; never plain random."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from sklearn.model_selection import GroupKFold

from features.domain.history import History
from features.domain.report import ResolvedIncident
from models.classification.cross_validation import Fold, Rows, copy_folds, report_copy_groups

_FOLDS = 5
# On so many rows four folds judge as closely, and a retrain stays within a minute and a half.
_FOLDS_WHEN_LARGE = 4
_LARGE = 30_000
_TIME_BLOCKS = 4
_FIRST_JUDGED = 0.5
_MIN_DATED = 0.9
_MIN_GROUPS = 3
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that is judged: when it starts, its `rows`, and the rows `before` it."""

    starts_at: datetime
    rows: Rows
    before: Rows


@dataclass(frozen=True, slots=True)
class Split:
    """How a history is divided: folds to fit and judge on, and the units to resample by.

    `blocks` numbers each incident's day, group or near-copy group: intervals resample these.
    `copies` numbers its near-copy group: a certificate counts one incident of each.
    `warnings` tell what was asked for and could not be done. `periods` holds the judged
    stretches of time in order, none without usable times.
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
        """For whose incidents certificates hold that were proven on this split."""
        if self.is_across_groups:
            groups = len(np.unique(self.blocks))
            return (
                f"certificates were proven across {groups} groups, each judged by models that had "
                "not seen it: they hold for an unseen group that is like these"
            )
        return (
            "certificates hold for this organisation's incidents only: no group was left out "
            "whole (`split_by` in the mapping)"
        )


def split_history(history: History, *, seed: int = 0) -> Split:
    """Divide a history by what it has: a `split_by` column, time, or near-copy groups."""
    incidents = history.incidents
    copies = report_copy_groups([incident.report for incident in incidents])
    if len(incidents) < _FEWEST:
        return Split((), copies, copies, f"no folds: fewer than {_FEWEST} incidents")
    groups = len(set(history.groups))
    if groups >= _MIN_GROUPS:
        return _across_groups(history.groups, copies)
    split = (
        _through_time(incidents, copies) if is_dated(incidents) else _between_copies(copies, seed)
    )
    return replace(split, warnings=(_too_few(groups),)) if groups else split


def _too_few(groups: int) -> str:
    held = "1 value" if groups == 1 else f"{groups} different values"
    return (
        f"split_by: not used, its column holds {held} and at least {_MIN_GROUPS} are needed; "
        "nothing is known of how well another organisation would be answered"
    )


def known_at(incident: ResolvedIncident) -> datetime | None:
    """Return when an incident's labels were known: when it was resolved, else when it opened."""
    return incident.outcome.resolved_at or incident.report.opened_at


def is_dated(incidents: Sequence[ResolvedIncident]) -> bool:
    """Tell whether nearly all incidents have a time of opening."""
    dated = sum(incident.report.opened_at is not None for incident in incidents)
    return dated >= _MIN_DATED * len(incidents)


def _across_groups(groups: Sequence[str], copies: Rows) -> Split:
    _, numbers = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    count = int(numbers.max()) + 1
    splitter = GroupKFold(n_splits=min(count, 2 * _FOLDS))
    folds = tuple(Fold(fit, judge) for fit, judge in splitter.split(numbers, groups=numbers))
    return Split(
        folds, numbers, copies, f"{len(folds)} folds, no group of {count} on both sides", True
    )


def _between_copies(copies: Rows, seed: int) -> Split:
    count = _FOLDS if len(copies) < _LARGE else _FOLDS_WHEN_LARGE
    folds = copy_folds(copies, folds=count, seed=seed)
    return Split(
        folds, copies, copies, f"{len(folds)} folds, no near-copies on both sides (no usable times)"
    )


def _through_time(incidents: Sequence[ResolvedIncident], copies: Rows) -> Split:
    """Rolling origin: each later block is judged by what was known when it began."""
    opened = np.array([_seconds(i.report.opened_at) for i in incidents])
    known = np.array([_seconds(known_at(i)) for i in incidents])
    dated = np.flatnonzero(np.isfinite(opened))
    order = dated[np.argsort(opened[dated], kind="stable")]
    bounds = np.linspace(_FIRST_JUDGED * len(order), len(order), _TIME_BLOCKS + 1).astype(int)
    folds, periods = [], []
    for start, end in pairwise(bounds):
        origin = opened[order[start]]
        starts_at = datetime.fromtimestamp(origin, tz=UTC)
        periods.append(Period(starts_at, order[start:end], order[:start]))
        fit = order[:start][known[order[:start]] <= origin]
        folds.append(Fold(np.sort(fit), np.sort(order[start:end])))
    first = periods[0].starts_at.date()
    days = np.unique(np.floor(np.nan_to_num(opened) / 86_400), return_inverse=True)[1]
    return Split(
        tuple(folds),
        days,
        copies,
        f"{len(folds)} later periods from {first} on, each judged by its past",
        periods=tuple(periods),
    )


def _seconds(moment: datetime | None) -> float:
    return float("nan") if moment is None else moment.timestamp()

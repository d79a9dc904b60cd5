"""Leaves out the newest weeks while their labels are still incomplete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from features.domain.history import History
from features.domain.label_sources import labels_of
from features.domain.report import Outcome, ResolvedIncident
from models.base.target_labels import FIELD_PREFIX
from training.dataset.split import is_dated

WANTED_SHARE = 0.95
_WEEK = timedelta(days=7)
_WEEKS_BEFORE = 8


@dataclass(frozen=True, slots=True)
class ImmaturePeriod:
    """The newest weeks of a target, left out because too few of their incidents have a label.

    The period begins at `since`. `share` is the share of its incidents that have a label; `usual`
    is this share in the eight weeks before the period.
    """

    target: str
    since: datetime
    share: float
    usual: float

    def describe(self) -> str:
        """Return one line that says what is left out and why."""
        return (
            f"{self.target}: incidents opened since {self.since:%Y-%m-%d} are left out until more "
            f"of them have a label ({self.share:.0%} have one, {self.usual:.0%} before)"
        )


@dataclass(frozen=True, slots=True)
class MatureHistory:
    """A history without the labels of immature periods, and the list of these periods."""

    history: History
    left_out: tuple[ImmaturePeriod, ...] = ()


def exclude_immature(
    history: History, cutoff: datetime, *, wanted_share: float = WANTED_SHARE
) -> MatureHistory:
    """Leave out the newest weeks in which too few incidents have a label yet.

    Incidents that are resolved within hours get their labels first. So the labelled incidents of a
    week with few labels are mostly quick fixes, and training on them would be biased. The weeks are
    counted back from the cutoff. The newest week to learn from is the latest week whose share of
    labelled incidents is at least `wanted_share` times the share in the eight weeks before it. So
    if usually one incident in five gets a label, a share of one in five is enough. Weeks are left
    out separately for each target: a severity is often known at once, a category only when the
    incident is closed. Incidents of weeks that are left out for every target are removed, so that
    models are not evaluated on such weeks. A history without usable times is returned unchanged.
    """
    opening_times = [incident.report.opened_at for incident in history.incidents]
    if not opening_times or not is_dated(history.incidents):
        return MatureHistory(history)
    weeks = np.array([_weeks_before(moment, cutoff) for moment in opening_times])
    labels = [labels_of(incident.outcome) for incident in history.incidents]
    targets = sorted(
        {target for target_labels in labels for target in target_labels} - {"runbooks", "similar"}
    )
    mature_weeks = {}
    immature = []
    for target in targets:
        is_labelled = np.array([target in target_labels for target_labels in labels])
        mature_week = _newest_mature_week(weeks, is_labelled, wanted_share)
        if mature_week > 0 and bool(((weeks >= 0) & (weeks < mature_week)).any()):
            mature_weeks[target] = mature_week
            immature.append(_immature_period(target, weeks, is_labelled, mature_week, cutoff))
    if not mature_weeks:
        return MatureHistory(history)
    return MatureHistory(_exclude_weeks(history, weeks, targets, mature_weeks), tuple(immature))


def _weeks_before(opened_at: datetime | None, cutoff: datetime) -> float:
    """Return how many whole weeks before the cutoff an incident opened; NaN if unknown."""
    return float("nan") if opened_at is None else float((cutoff - opened_at) // _WEEK)


def _newest_mature_week(weeks: np.ndarray, is_labelled: np.ndarray, wanted_share: float) -> float:
    """Return the newest week that has enough labels, 0 if no week has enough.

    Weeks are counted back from the cutoff; week 0 ends at the cutoff.
    """
    for week in np.unique(weeks[np.isfinite(weeks)]):
        is_before = (weeks > week) & (weeks <= week + _WEEKS_BEFORE)
        usual = is_labelled[is_before].mean() if is_before.any() else 1.0
        share = is_labelled[weeks == week].mean()
        if share > 0 and share >= wanted_share * usual:
            return float(week)
    return 0.0


def _immature_period(
    target: str, weeks: np.ndarray, is_labelled: np.ndarray, mature_week: float, cutoff: datetime
) -> ImmaturePeriod:
    is_left_out = weeks < mature_week
    is_before = ~is_left_out & (weeks < mature_week + _WEEKS_BEFORE)
    return ImmaturePeriod(
        target,
        cutoff - mature_week * _WEEK,
        float(is_labelled[is_left_out].mean()),
        float(is_labelled[is_before].mean()),
    )


def _exclude_weeks(
    history: History, weeks: np.ndarray, targets: Sequence[str], mature_weeks: Mapping[str, float]
) -> History:
    newest_week = min(mature_weeks.get(target, 0.0) for target in targets)
    kept_rows = [row for row, week in enumerate(weeks) if not week < newest_week]
    incidents = tuple(
        _remove_labels(
            history.incidents[row],
            [target for target, week in mature_weeks.items() if weeks[row] < week],
        )
        for row in kept_rows
    )
    groups = tuple(history.groups[row] for row in kept_rows) if history.groups else ()
    return replace(history, incidents=incidents, groups=groups)


def _remove_labels(incident: ResolvedIncident, targets: Sequence[str]) -> ResolvedIncident:
    """Return the incident without its labels for these targets."""
    if not targets:
        return incident
    removed = {target: None for target in targets if not target.startswith(FIELD_PREFIX)}
    fields = {
        name: label
        for name, label in incident.outcome.fields.items()
        if f"{FIELD_PREFIX}{name}" not in targets
    }
    outcome: Outcome = replace(incident.outcome, fields=fields, **removed)
    return replace(incident, outcome=outcome)

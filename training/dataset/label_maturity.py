"""Leaves out the newest period while its labels are still coming in."""

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
    """A newest period that is left out for a target: since when, and how far it is labelled.

    `share` is that of its incidents with a label, `usual` that of the incidents before it.
    """

    target: str
    since: datetime
    share: float
    usual: float

    def describe(self) -> str:
        """Return what is left out, in a line."""
        return (
            f"{self.target}: incidents opened since {self.since:%Y-%m-%d} are left out until they "
            f"are labelled ({self.share:.0%} are, of those before {self.usual:.0%})"
        )


@dataclass(frozen=True, slots=True)
class MatureHistory:
    """A history without labels of immature periods, and which periods these are."""

    history: History
    left_out: tuple[ImmaturePeriod, ...] = ()


def exclude_immature(
    history: History, cutoff: datetime, *, wanted_share: float = WANTED_SHARE
) -> MatureHistory:
    """Leave out the weeks before the cutoff in which only some incidents have their labels.

    What is solved within hours is labelled first, so a week of which little is labelled shows
    mostly quick fixes, and would teach that all incidents are such. Looking back from the cutoff in
    weeks, learning ends with the newest one whose share of labelled incidents is `wanted_share` of
    what the eight weeks before it reached: in a history where one incident in five is ever
    labelled, one in five is complete. Each target is judged by its own labels, for a severity is
    known at once and a category perhaps when the incident is closed. Weeks that are left out for
    every target go whole, so that no judged period consists of them. A history without usable times
    has no newest period, and stays.
    """
    opened = [incident.report.opened_at for incident in history.incidents]
    if not opened or not is_dated(history.incidents):
        return MatureHistory(history)
    weeks = np.array([_weeks_before(moment, cutoff) for moment in opened])
    labels = [labels_of(incident.outcome) for incident in history.incidents]
    targets = sorted({target for known in labels for target in known} - {"runbooks", "similar"})
    ends = {}
    left_out = []
    for target in targets:
        labelled = np.array([target in known for known in labels])
        newest = _newest_mature(weeks, labelled, wanted_share)
        if newest > 0 and bool(((weeks >= 0) & (weeks < newest)).any()):
            ends[target] = newest
            left_out.append(_immature(target, weeks, labelled, newest, cutoff))
    if not ends:
        return MatureHistory(history)
    return MatureHistory(_without(history, weeks, targets, ends), tuple(left_out))


def _weeks_before(opened_at: datetime | None, cutoff: datetime) -> float:
    """Return how many whole weeks before the cutoff an incident opened; NaN if nobody knows."""
    return float("nan") if opened_at is None else float((cutoff - opened_at) // _WEEK)


def _newest_mature(weeks: np.ndarray, labelled: np.ndarray, wanted_share: float) -> float:
    """Return the newest week, counted back from the cutoff, that is as labelled as those before."""
    for week in np.unique(weeks[np.isfinite(weeks)]):
        before = (weeks > week) & (weeks <= week + _WEEKS_BEFORE)
        usual = labelled[before].mean() if before.any() else 1.0
        if labelled[weeks == week].mean() >= wanted_share * usual and labelled[weeks == week].any():
            return float(week)
    return 0.0


def _immature(
    target: str, weeks: np.ndarray, labelled: np.ndarray, newest: float, cutoff: datetime
) -> ImmaturePeriod:
    left, before = weeks < newest, (weeks >= newest) & (weeks < newest + _WEEKS_BEFORE)
    return ImmaturePeriod(
        target,
        cutoff - newest * _WEEK,
        float(labelled[left].mean()),
        float(labelled[before].mean()),
    )


def _without(
    history: History, weeks: np.ndarray, targets: Sequence[str], ends: Mapping[str, float]
) -> History:
    latest = min(ends.get(target, 0.0) for target in targets)
    kept = [row for row, week in enumerate(weeks) if not week < latest]
    incidents = tuple(
        _forget(history.incidents[row], [t for t, end in ends.items() if weeks[row] < end])
        for row in kept
    )
    groups = tuple(history.groups[row] for row in kept) if history.groups else ()
    return replace(history, incidents=incidents, groups=groups)


def _forget(incident: ResolvedIncident, targets: Sequence[str]) -> ResolvedIncident:
    """Return the incident without its labels of the targets."""
    if not targets:
        return incident
    plain = {target: None for target in targets if not target.startswith(FIELD_PREFIX)}
    fields = {
        name: label
        for name, label in incident.outcome.fields.items()
        if f"{FIELD_PREFIX}{name}" not in targets
    }
    outcome: Outcome = replace(incident.outcome, fields=fields, **plain)
    return replace(incident, outcome=outcome)

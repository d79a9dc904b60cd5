"""Finds the targets that can be trained on a history, and the reasons why others are skipped."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from features.domain.history import History
from models.base.target_labels import FIELD_PREFIX, label_of

MIN_LABELLED = 20
MIN_CLASS_ROWS = 2

_OUTCOME_TARGETS = ("category", "assignment", "severity")


@dataclass(frozen=True, slots=True)
class Target:
    """A target of one model, with the label of each incident of the history, None if unknown.

    An ordered target such as severity, impact or urgency has `levels`: its labels, least severe
    first. Other targets have no levels.
    """

    name: str
    labels: tuple[str | None, ...]
    levels: tuple[str, ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether the labels are levels in an order."""
        return len(self.levels) > 0


def find_targets(history: History) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Return the trainable targets, and by name the reason why each other target is skipped."""
    fields = {f"{FIELD_PREFIX}{name}": levels for name, levels in history.field_levels.items()}
    levels_by_name = {"severity": history.severity_levels} | fields
    targets, skipped = [], {}
    for name in (*_OUTCOME_TARGETS, *_field_targets(history)):
        labels = tuple(label_of(incident.outcome, name) for incident in history.incidents)
        target = Target(name, labels, levels_by_name.get(name, ()))
        reason = _why_untrainable(target, needs_levels=name in levels_by_name)
        if reason is None:
            targets.append(target)
        else:
            skipped[name] = reason
    return tuple(targets), skipped


def data_end(history: History, target: str) -> datetime | None:
    """Return the latest opening time of incidents with a label of the target, None if unknown."""
    labelled_reports = (
        incident.report for incident in history.incidents if label_of(incident.outcome, target)
    )
    return max((report.opened_at for report in labelled_reports if report.opened_at), default=None)


def attributes_of(history: History) -> list[str]:
    """Return the names of all attributes, the report columns that have no field of their own."""
    return sorted({name for incident in history.incidents for name in incident.report.attributes})


def has_labels(history: History) -> bool:
    """Tell whether any incident has a label of any target, trainable or not."""
    names = (*_OUTCOME_TARGETS, *_field_targets(history))
    return any(label_of(incident.outcome, name) for incident in history.incidents for name in names)


def _field_targets(history: History) -> list[str]:
    names = dict.fromkeys(
        name for incident in history.incidents for name in incident.outcome.fields
    )
    return [f"{FIELD_PREFIX}{name}" for name in names]


def _why_untrainable(target: Target, *, needs_levels: bool) -> str | None:
    counts = Counter(label for label in target.labels if label is not None)
    rows = counts.total()
    if rows == 0:
        return "not trained: the history has no such column"
    if needs_levels and not target.is_ordered:
        return "not trained: the order of its levels is unknown; state `order` in the mapping"
    if len(counts) < 2:
        return f"not trained: there is only one label, {next(iter(counts))[:40]!r}"
    if rows < MIN_LABELLED:
        return f"not trained: {rows} labelled incidents, at least {MIN_LABELLED} are needed"
    if sum(count >= MIN_CLASS_ROWS for count in counts.values()) < 2:
        return f"not trained: fewer than two labels occur at least {MIN_CLASS_ROWS} times"
    return None

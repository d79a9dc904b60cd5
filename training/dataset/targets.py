"""What can be learned from a history: its targets, their labels and why one is skipped."""

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
    """One thing to predict, and the label of each incident of the history, None where unknown.

    `levels` are the labels of a severity, an impact or an urgency, least severe first; a choice has
    none.
    """

    name: str
    labels: tuple[str | None, ...]
    levels: tuple[str, ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether the labels are levels, one above the other."""
        return len(self.levels) > 0


def find_targets(history: History) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Return the trainable targets, and for every other one the reason why it is skipped."""
    fields = {f"{FIELD_PREFIX}{name}": levels for name, levels in history.field_levels.items()}
    rated = {"severity": history.severity_levels} | fields
    found, skipped = [], {}
    for name in (*_OUTCOME_TARGETS, *_field_targets(history)):
        labels = tuple(label_of(i.outcome, name) for i in history.incidents)
        target = Target(name, labels, rated.get(name, ()))
        reason = _why_untrainable(target, is_rated=name in rated)
        if reason is None:
            found.append(target)
        else:
            skipped[name] = reason
    return tuple(found), skipped


def data_end(history: History, target: str) -> datetime | None:
    """Return when the latest incident opened that has a label of the target; None if unknown."""
    labelled = (one.report for one in history.incidents if label_of(one.outcome, target))
    return max((report.opened_at for report in labelled if report.opened_at), default=None)


def attributes_of(history: History) -> list[str]:
    """Return the names of the report columns beyond the usual ones."""
    return sorted({name for one in history.incidents for name in one.report.attributes})


def has_labels(history: History) -> bool:
    """Tell whether any incident has a label of anything, trainable or not."""
    names = (*_OUTCOME_TARGETS, *_field_targets(history))
    return any(label_of(one.outcome, name) for one in history.incidents for name in names)


def _field_targets(history: History) -> list[str]:
    names = dict.fromkeys(name for i in history.incidents for name in i.outcome.fields)
    return [f"{FIELD_PREFIX}{name}" for name in names]


def _why_untrainable(target: Target, *, is_rated: bool) -> str | None:
    counts = Counter(label for label in target.labels if label is not None)
    rows = counts.total()
    if rows == 0:
        return "not trained: the history has no such column"
    if is_rated and not target.is_ordered:
        return "not trained: the order of its levels is unknown; state `order` in the mapping"
    if len(counts) < 2:
        return f"not trained: every incident has the one label {next(iter(counts))[:40]!r}"
    if rows < MIN_LABELLED:
        return f"not trained: {rows} labelled incidents, at least {MIN_LABELLED} are needed"
    if sum(count >= MIN_CLASS_ROWS for count in counts.values()) < 2:
        return f"not trained: fewer than two labels occur at least {MIN_CLASS_ROWS} times"
    return None

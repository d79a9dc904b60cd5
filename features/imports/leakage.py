"""Finds report columns that leak the outcome: by role, by name, by missing values, by content."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from features.domain.history import Provenance
from features.imports.column_mapping import HistoryMapping
from features.imports.mapping_inference import is_caller
from features.text.tokens import plain_name

Values = Sequence[str | None]

_MAX_ERRORS = 0.03
_MAX_ERROR_SHARE = 0.1
_MIN_ROWS = 30
_MIN_SCORED = 0.5
_LATE_NAME = re.compile(
    r"u?(?:clos(?:ed|ure|ing|e(?:notes|code|time|by|at))|resol(?:ved|ution|ver)|reopen|reassign"
    r"|(?:made|has)?sla(?:due|breach|fail|miss|met|$)|timeto(?:resol|clos)|worknotes"
    r"|(?:business|calendar)(?:duration|stc)|sysmodcount|sysupdated"
    r"|k[bm](?:id|number|article|knowledge)|knowledgearticle)"
)
_PRIORITY_PARTS = frozenset({"impact", "urgency", "priority"})


def shared_columns(mapping: HistoryMapping) -> dict[str, str]:
    """Return the report columns that have a second role, with reasons.

    The second role is an outcome or, for attributes, `split_by`. Columns of the id and the opening
    time may have one, and are left out.
    """
    outcome_roles = {column: f"outcome {role}" for role, column in mapping.outcome.role_columns()}
    reasons = {
        column: f"is mapped as {outcome_roles[column]} too"
        for role, column in mapping.report.role_columns()
        if role not in ("id", "opened_at") and column in outcome_roles
    }
    if mapping.split_by and mapping.split_by.column in mapping.report.attributes:
        reasons[mapping.split_by.column] = "is mapped as split_by too"
    return reasons


def late_columns(
    mapping: HistoryMapping, attributes: Mapping[str, Values], is_resolved: Sequence[bool]
) -> dict[str, str]:
    """Return the attributes that are written when an incident is resolved, with reasons.

    Attributes that the mapping marks as known at opening are not checked. `is_resolved` says for
    each incident whether it was resolved when the export was made.
    """
    reasons = {}
    for column, values in attributes.items():
        if mapping.columns_known.get(column) is Provenance.OPENING:
            continue
        if is_late_name(column):
            reasons[column] = "is written at closing, judging by its name"
        elif _is_filled_at_resolution(values, is_resolved):
            reasons[column] = "is filled only where the incident is resolved"
    return reasons


def is_late_name(column: str) -> bool:
    """Return whether a column is written at closing, judging by its name.

    >>> is_late_name("closed_at"), is_late_name("location")
    (True, False)
    """
    return _LATE_NAME.match(plain_name(column)) is not None


def determining_columns(
    mapping: HistoryMapping,
    attributes: Mapping[str, Values],
    attributes_later: Mapping[str, Values],
    labels: Mapping[str, Values],
) -> dict[str, str]:
    """Return the attributes that nearly determine a target's label, with reasons.

    `attributes_later` holds the attributes' values at the time when the labels were written.
    Callers, and columns that the mapping marks as known at opening, are not checked. Only columns
    of impact, urgency and priority are always checked, because priority is computed from impact
    and urgency.
    """
    reasons = _priority_parts(mapping, attributes_later, labels.get("severity"))
    for column, values in attributes.items():
        is_trusted = mapping.columns_known.get(column) is Provenance.OPENING
        if column in reasons or is_trusted or is_caller(column):
            continue
        for target, target_labels in labels.items():
            if determines(values, target_labels):
                reasons[column] = (
                    f"nearly determines {target}, and is not marked `opening` in columns_known"
                )
                break
    return reasons


def determines(
    values: Sequence[object], labels: Values, *, max_errors: float = _MAX_ERRORS
) -> bool:
    """Return whether the value of a row nearly determines its label, by leave-one-out prediction.

    Each row's label is predicted as the commonest label of the other rows with the same value; a
    tie is an error. Rows without a value or label are ignored. Rows whose value occurs only once
    are not scored; at least 30 rows, and half of all rows with a value and label, must be scored.
    The error rate must be at most `max_errors`, and below a tenth of the error rate of always
    predicting the commonest label.

    >>> determines(["x", "y"] * 50, ["a", "b"] * 50), determines(["x", "y"] * 50, ["a"] * 100)
    (True, False)
    """
    value_labels: dict[object, Counter[str]] = defaultdict(Counter)
    label_rows: Counter[str] = Counter()
    for (value, label), rows in Counter(zip(values, labels, strict=True)).items():
        if value is not None and label is not None:
            value_labels[value][label] += rows
            label_rows[label] += rows
    repeated_values = [counts for counts in value_labels.values() if counts.total() > 1]
    scored_rows = sum(counts.total() for counts in repeated_values)
    if scored_rows < max(_MIN_ROWS, _MIN_SCORED * label_rows.total()):
        return False
    errors = 1 - sum(_leave_one_out_hits(counts) for counts in repeated_values) / scored_rows
    baseline_errors = 1 - max(label_rows.values()) / label_rows.total()
    return errors <= max_errors and errors < _MAX_ERROR_SHARE * baseline_errors


def _leave_one_out_hits(counts: Counter[str]) -> int:
    """Count the rows of one value whose label is predicted correctly from the other rows."""
    (_, best_rows), *runners_up = counts.most_common(2)
    second_rows = runners_up[0][1] if runners_up else 0
    return best_rows if best_rows - 1 > second_rows or not runners_up else 0


def _is_filled_at_resolution(values: Values, is_resolved: Sequence[bool]) -> bool:
    filled = Counter(
        resolved for value, resolved in zip(values, is_resolved, strict=True) if value is not None
    )
    rows = Counter(is_resolved)
    has_enough = min(rows[True], rows[False]) >= _MIN_ROWS
    return has_enough and filled[True] >= rows[True] / 2 and filled[False] <= rows[False] / 100


def _priority_parts(
    mapping: HistoryMapping, attributes: Mapping[str, Values], severity: Values | None
) -> dict[str, str]:
    """Return the columns of impact, urgency and priority that leak a label, with reasons.

    Priority leaks impact and urgency if one of these two is a label. Impact and urgency leak
    severity if they determine it, each alone or both together.
    """
    parts = {column: plain_name(column) for column in attributes}
    parts = {column: name for column, name in parts.items() if name in _PRIORITY_PARTS}
    label_names = set(mapping.outcome.parts())
    if mapping.outcome.severity is not None:
        label_names.add(plain_name(mapping.outcome.severity.column))
    reasons = {}
    if label_names & {"impact", "urgency"}:
        reason = "is computed from impact and urgency, which are labels"
        reasons = {column: reason for column, name in parts.items() if name == "priority"}
    if severity is None:
        return reasons
    reason = "and severity are computed from one another"
    columns = [column for column, name in parts.items() if name != "priority"]
    if len(columns) == 2:
        pairs = zip(*(attributes[column] for column in columns), strict=True)
        if determines([None if None in pair else pair for pair in pairs], severity):
            reasons |= dict.fromkeys(columns, reason)
    return reasons | {
        column: reason for column in columns if determines(attributes[column], severity)
    }

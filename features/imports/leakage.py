"""Report columns that tell the outcome: found by role, by name and by what they predict."""

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
    """Return the report columns that are mapped as an outcome or as `split_by` too."""
    learned = {column: f"outcome {role}" for role, column in mapping.outcome.named()}
    found = {
        column: f"is mapped as {learned[column]} too"
        for role, column in mapping.report.named()
        if role not in ("id", "opened_at") and column in learned
    }
    if mapping.split_by and mapping.split_by.column in mapping.report.attributes:
        found[mapping.split_by.column] = "is mapped as split_by too"
    return found


def late_columns(
    mapping: HistoryMapping, attributes: Mapping[str, Values], is_resolved: Sequence[bool]
) -> dict[str, str]:
    """Return the attributes that are written when an incident is resolved.

    `is_resolved` tells of each incident whether it was resolved when the export was made.
    """
    found = {}
    for column, values in attributes.items():
        if mapping.columns_known.get(column) is Provenance.OPENING:
            continue
        if _LATE_NAME.match(plain_name(column)):
            found[column] = "is by its name written at closing"
        elif _is_filled_at_resolution(values, is_resolved):
            found[column] = "is filled only where the incident is resolved"
    return found


def telling_columns(
    mapping: HistoryMapping,
    attributes: Mapping[str, Values],
    attributes_later: Mapping[str, Values],
    labels: Mapping[str, Values],
) -> dict[str, str]:
    """Return the attributes from which a target can nearly be read off.

    `attributes_later` holds their values when the labels were written. A caller is never among
    them, nor a column that the mapping says was known at opening, save for impact, urgency and
    priority, of which one is computed from the others.
    """
    found = _priority_parts(mapping, attributes_later, labels.get("severity"))
    for column, values in attributes.items():
        is_trusted = mapping.columns_known.get(column) is Provenance.OPENING
        if column in found or is_trusted or is_caller(column):
            continue
        for target, target_labels in labels.items():
            if determines(values, target_labels):
                found[column] = (
                    f"nearly determines {target}, and is not marked `opening` in columns_known"
                )
                break
    return found


def determines(
    values: Sequence[object], labels: Values, *, max_errors: float = _MAX_ERRORS
) -> bool:
    """Tell whether looking a value up among the other rows nearly always gives the label.

    Rows whose value occurs once are not counted. The share of errors must be at most `max_errors`,
    and small beside that of always answering the commonest label.

    >>> determines(["x", "y"] * 50, ["a", "b"] * 50), determines(["x", "y"] * 50, ["a"] * 100)
    (True, False)
    """
    by_value: dict[object, Counter[str]] = defaultdict(Counter)
    of_label: Counter[str] = Counter()
    for (value, label), rows in Counter(zip(values, labels, strict=True)).items():
        if value is not None and label is not None:
            by_value[value][label] += rows
            of_label[label] += rows
    repeated = [counts for counts in by_value.values() if counts.total() > 1]
    scored = sum(counts.total() for counts in repeated)
    if scored < max(_MIN_ROWS, _MIN_SCORED * of_label.total()):
        return False
    errors = 1 - sum(_left_out_hits(counts) for counts in repeated) / scored
    usual_errors = 1 - max(of_label.values()) / of_label.total()
    return errors <= max_errors and errors < _MAX_ERROR_SHARE * usual_errors


def _left_out_hits(counts: Counter[str]) -> int:
    """Count the rows whose label is still the commonest of their value without the row itself."""
    (_, most), *rest = counts.most_common(2)
    return most if most - 1 > (rest[0][1] if rest else 0) or not rest else 0


def _is_filled_at_resolution(values: Values, is_resolved: Sequence[bool]) -> bool:
    filled = Counter(
        done for value, done in zip(values, is_resolved, strict=True) if value is not None
    )
    rows = Counter(is_resolved)
    enough = min(rows[True], rows[False]) >= _MIN_ROWS
    return enough and filled[True] >= rows[True] / 2 and filled[False] <= rows[False] / 100


def _priority_parts(
    mapping: HistoryMapping, attributes: Mapping[str, Values], severity: Values | None
) -> dict[str, str]:
    """Return impact, urgency and priority where a label is one of them or their function."""
    parts = {column: plain_name(column) for column in attributes}
    parts = {column: name for column, name in parts.items() if name in _PRIORITY_PARTS}
    learned = set(mapping.outcome.parts())
    if mapping.outcome.severity is not None:
        learned.add(plain_name(mapping.outcome.severity.column))
    found = {}
    if learned & {"impact", "urgency"}:
        reason = "is computed from impact and urgency, which are labels"
        found = {column: reason for column, name in parts.items() if name == "priority"}
    if severity is None:
        return found
    reason = "and severity are computed from one another"
    pair = [column for column, name in parts.items() if name != "priority"]
    if len(pair) == 2:
        joint = zip(*(attributes[column] for column in pair), strict=True)
        if determines([None if None in both else both for both in joint], severity):
            found |= dict.fromkeys(pair, reason)
    return found | {c: reason for c in pair if determines(attributes[c], severity)}

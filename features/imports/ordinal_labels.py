"""The ordinal labels of a history: severity, impact, urgency, and the priority matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from features.domain.history import PriorityMatrix
from features.imports.column_mapping import OutcomeColumns
from features.imports.leakage import Values
from features.imports.level_order import order_levels
from features.imports.priority_matrix import (
    computed_severities,
    learn_matrix,
    matrix_order,
    paired_levels,
    stated_matrix,
)


@dataclass(slots=True)
class OrdinalLabels:
    """Labels and levels by target; levels are least severe first, empty if the order is unclear."""

    labels: dict[str, Values] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    matrix: PriorityMatrix | None = None
    warnings: list[str] = field(default_factory=list)

    def order(
        self, target: str, labels: Values, stated: Sequence[str], fallback: Sequence[str] = ()
    ) -> None:
        """Store a target's labels and ordered levels; labels outside the levels become None."""
        levels = order_levels(labels, stated) or tuple(fallback)
        self.levels[target] = levels
        self.labels[target], warnings = _keep_levels(target, labels, levels, bool(stated))
        self.warnings += warnings


def read_ordinal_labels(outcome: OutcomeColumns, labels: Mapping[str, Values]) -> OrdinalLabels:
    """Read severity, impact and urgency; compute severity if a priority matrix is known.

    `labels` are those of the export, by target. A stated matrix overrides the severity column,
    which may follow older rules. A learned matrix only fills in unknown severities.
    """
    ordinal = OrdinalLabels()
    for name, column in outcome.parts().items():
        ordinal.order(f"fields.{name}", labels[f"fields.{name}"], column.order)
    severities = labels.get("severity")
    if outcome.priority_matrix:
        severities = _apply_stated_matrix(ordinal, outcome.priority_matrix, severities)
    if severities is not None:
        stated = outcome.severity.order if outcome.severity else ()
        ordinal.order("severity", severities, stated, _matrix_order(ordinal))
    if ordinal.matrix is None and len(ordinal.labels) > 2:
        _apply_learned_matrix(ordinal)
    return ordinal


def _priority_parts(ordinal: OrdinalLabels) -> tuple[Values, Values]:
    return ordinal.labels["fields.impact"], ordinal.labels["fields.urgency"]


def _apply_stated_matrix(
    ordinal: OrdinalLabels, stated: Mapping[str, Mapping[str, str]], severities: Values | None
) -> Values:
    """Return each row's severity by the stated matrix, or the exported one if it has no cell."""
    parts = _priority_parts(ordinal)
    exported = [None] * len(parts[0]) if severities is None else severities
    ordinal.matrix = stated_matrix(stated, *parts, exported)
    computed = computed_severities(ordinal.matrix, *parts)
    severity_pairs = list(zip(exported, computed, strict=True))
    if changes := sum(None not in (old, new) and old != new for old, new in severity_pairs):
        ordinal.warnings.append(
            f"severity: {changes} incidents have another severity than priority_matrix gives for "
            "their impact and urgency; the matrix is used"
        )
    rows = zip(paired_levels(*parts), computed, strict=True)
    if missing_cells := [pair for pair, new in rows if pair is not None and new is None]:
        impact, urgency = missing_cells[0]
        ordinal.warnings.append(
            f"priority_matrix: {len(missing_cells)} incidents have an impact and urgency that it "
            f"does not name, such as {impact[:40]!r} and {urgency[:40]!r}"
        )
    return [old if new is None else new for old, new in severity_pairs]


def _matrix_order(ordinal: OrdinalLabels) -> tuple[str, ...]:
    if ordinal.matrix is None:
        return ()
    levels = ordinal.levels
    return matrix_order(ordinal.matrix, levels["fields.impact"], levels["fields.urgency"])


def _apply_learned_matrix(ordinal: OrdinalLabels) -> None:
    """Learn the matrix if impact and urgency determine severity; fill in unknown severities."""
    parts, severities = _priority_parts(ordinal), ordinal.labels["severity"]
    ordinal.matrix = learn_matrix(*parts, severities)
    if ordinal.matrix is not None:
        computed = computed_severities(ordinal.matrix, *parts)
        ordinal.labels["severity"] = [
            new if old is None else old for old, new in zip(severities, computed, strict=True)
        ]


def _keep_levels(
    target: str, labels: Values, levels: Sequence[str], is_stated: bool
) -> tuple[Values, list[str]]:
    """Return the labels with None for labels outside the levels, and warnings about those labels.

    Without levels all labels are kept, and a warning says that their order is unclear.
    """
    name = target.removeprefix("fields.")
    if not levels:
        return labels, [
            f"{name}: the order of its levels is unclear; state `order` in the mapping, "
            "least severe first"
        ]
    level_of = {level.casefold(): level for level in levels} if is_stated else {}
    level_of |= {level: level for level in levels}
    valid_labels = [
        None if label is None else level_of.get(label, level_of.get(label.casefold()))
        for label in labels
    ]
    unknown_labels = [
        old for old, new in zip(labels, valid_labels, strict=True) if old is not None and not new
    ]
    if not unknown_labels:
        return valid_labels, []
    return valid_labels, [
        f"{name}: {len(unknown_labels)} values are not in the order, such as "
        f"{unknown_labels[0][:40]!r}; they count as missing"
    ]

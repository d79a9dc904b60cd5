"""The ordered labels of a history: severity, impact, urgency, and the matrix between them."""

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
    """Labels and their levels, by target; levels are least severe first, empty if unclear."""

    labels: dict[str, Values] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    matrix: PriorityMatrix | None = None
    warnings: list[str] = field(default_factory=list)

    def order(
        self, target: str, labels: Values, stated: Sequence[str], fallback: Sequence[str] = ()
    ) -> None:
        """Keep a target's labels and their order; labels that are no level of it become None."""
        levels = order_levels(labels, stated) or tuple(fallback)
        self.levels[target] = levels
        self.labels[target], warnings = _ordered_only(target, labels, levels, bool(stated))
        self.warnings += warnings


def read_ordinal_labels(outcome: OutcomeColumns, labels: Mapping[str, Values]) -> OrdinalLabels:
    """Find the order of each rated target, and compute severity where a matrix is known.

    `labels` are those of the export, by target. A stated matrix replaces the column of severity,
    which may follow older rules; a learned matrix only fills in unknown severities.
    """
    found = OrdinalLabels()
    for name, column in outcome.parts().items():
        found.order(f"fields.{name}", labels[f"fields.{name}"], column.order)
    severities = labels.get("severity")
    if outcome.priority_matrix:
        severities = _compute(found, outcome.priority_matrix, severities)
    if severities is not None:
        stated = outcome.severity.order if outcome.severity else ()
        found.order("severity", severities, stated, _order_of(found))
    if found.matrix is None and len(found.labels) > 2:
        _complete(found)
    return found


def _parts(found: OrdinalLabels) -> tuple[Values, Values]:
    return found.labels["fields.impact"], found.labels["fields.urgency"]


def _compute(
    found: OrdinalLabels, stated: Mapping[str, Mapping[str, str]], severities: Values | None
) -> Values:
    """Return severities by the stated matrix; where it names none, those of the column."""
    parts = _parts(found)
    known = [None] * len(parts[0]) if severities is None else severities
    found.matrix = stated_matrix(stated, *parts, known)
    made = computed_severities(found.matrix, *parts)
    pairs = list(zip(known, made, strict=True))
    if changed := sum(None not in (old, new) and old != new for old, new in pairs):
        found.warnings.append(
            f"severity: {changed} incidents have another than priority_matrix makes of their "
            "impact and urgency; the matrix counts"
        )
    rows = zip(paired_levels(*parts), made, strict=True)
    if unknown := [pair for pair, new in rows if pair is not None and new is None]:
        impact, urgency = unknown[0]
        found.warnings.append(
            f"priority_matrix: {len(unknown)} incidents have an impact and urgency that it does "
            f"not name, such as {impact[:40]!r} and {urgency[:40]!r}"
        )
    return [old if new is None else new for old, new in pairs]


def _order_of(found: OrdinalLabels) -> tuple[str, ...]:
    if found.matrix is None:
        return ()
    return matrix_order(found.matrix, found.levels["fields.impact"], found.levels["fields.urgency"])


def _complete(found: OrdinalLabels) -> None:
    """Learn the matrix, if there is one, and let it fill in unknown severities."""
    parts, known = _parts(found), found.labels["severity"]
    found.matrix = learn_matrix(*parts, known)
    if found.matrix is not None:
        made = computed_severities(found.matrix, *parts)
        found.labels["severity"] = [
            new if old is None else old for old, new in zip(known, made, strict=True)
        ]


def _ordered_only(
    target: str, labels: Values, levels: Sequence[str], is_stated: bool
) -> tuple[Values, list[str]]:
    """Set labels outside the order to None and warn of them; without an order keep all."""
    name = target.removeprefix("fields.")
    if not levels:
        return labels, [
            f"{name}: the order of its levels is unclear; state `order` in the mapping, "
            "least severe first"
        ]
    spelled = {level.casefold(): level for level in levels} if is_stated else {}
    spelled |= {level: level for level in levels}
    ordered = [
        None if label is None else spelled.get(label, spelled.get(label.casefold()))
        for label in labels
    ]
    others = [old for old, new in zip(labels, ordered, strict=True) if old is not None and not new]
    if not others:
        return ordered, []
    return ordered, [
        f"{name}: {len(others)} values are not in the order, such as {others[0][:40]!r}; "
        "they count as missing"
    ]

"""How an export is understood: its columns and their roles, what is left out, what is missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.domain.history import History, RejectedRow
from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import ImportedExport, import_table
from features.imports.tables.read_table import read_table
from features.imports.tables.table import TablePreview
from features.text.masking import Masking, configured_masking
from features.text.parsing import parse_fact

_STATED, _RECOGNISED, _BY_VALUES = "mapping", "header", "values"

_LONGEST_VALUE = 60
_COSTS = {
    "id": "ids are made up, so incidents cannot be found by the number of their ticket",
    "opened_at": "incidents cannot be split by time, so evaluation may be too favourable, and "
    "changes over time go unnoticed",
    "text": "answers rest on service, source and attributes alone; words are not compared",
    "outcome": "no label can be predicted; similar incidents are still found",
    "resolution": "similar incidents do not say what fixed them",
    "resolved_at": "the time to resolve is not learned, and labels count as known at the opening",
}


@dataclass(frozen=True, slots=True)
class InspectedColumn:
    """A column of an export: its roles (none if unused), and some values.

    `told` says by what the role is known: `mapping`, `header` or `values`, empty without a role.
    `values` are up to three distinct values, masked and cut to 60 characters.
    """

    header: str
    roles: tuple[str, ...]
    told: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """How an export is understood. `missing` says what each missing role costs.

    `mapping` is None, and the history is empty, if no column of a report was recognised.
    """

    format: str
    separator: str
    encoding: str
    columns: tuple[InspectedColumn, ...]
    missing: Mapping[str, str]
    mapping: HistoryMapping | None
    history: History

    @property
    def unused(self) -> tuple[InspectedColumn, ...]:
        """The columns without a role."""
        return tuple(column for column in self.columns if not column.roles)

    @property
    def open_incidents(self) -> int:
        """The number of incidents that are still open."""
        return sum(incident.outcome.is_open for incident in self.history.incidents)

    @property
    def rejected_by_reason(self) -> Mapping[str, Sequence[RejectedRow]]:
        """The rejected rows by reason, the most frequent reason first."""
        reasons: dict[str, list[RejectedRow]] = {}
        for row in self.history.rejected:
            reasons.setdefault(row.reason, []).append(row)
        return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))


def inspect_export(path: Path, mapping: HistoryMapping | None = None) -> Inspection:
    """Inspect an export; nothing is stored.

    An export without a recognised column is no error: its columns are shown as unused. Raises
    `UnreadableFile` if the file cannot be read or each row is rejected, and `BadMapping` if a given
    mapping does not fit.
    """
    table, masking = read_table(path), configured_masking()
    try:
        imported = import_table(table, mapping, path, masking=masking)
    except BadMapping as error:
        if mapping is not None:
            raise
        warnings = (*table.warnings, str(error))
        history = History((), rejected=table.rejected, warnings=warnings, sha256=table.sha256)
        return _inspection(TablePreview.of(table), None, history, {}, masking)
    return inspect_import(imported, masking)


def inspect_import(imported: ImportedExport, masking: Masking | None = None) -> Inspection:
    """Return how an imported export was understood."""
    by_headers = _RECOGNISED if imported.is_recognised else _STATED
    told = dict.fromkeys(imported.preview.columns, by_headers)
    return _inspection(
        imported.preview,
        imported.mapping,
        imported.history,
        told | dict.fromkeys(imported.told_by_values, _BY_VALUES),
        masking or configured_masking(),
    )


def _inspection(
    preview: TablePreview,
    mapping: HistoryMapping | None,
    history: History,
    told: Mapping[str, str],
    masking: Masking,
) -> Inspection:
    roles = _roles(mapping) if mapping else {}
    return Inspection(
        format=preview.format,
        separator=preview.separator,
        encoding=preview.encoding,
        columns=tuple(
            InspectedColumn(
                header,
                tuple(roles.get(header, ())),
                told[header] if header in roles else "",
                _values(values, masking),
            )
            for header, values in preview.columns.items()
        ),
        missing={role: _COSTS[role] for role in _missing_roles(mapping, history)},
        mapping=mapping,
        history=history,
    )


def _roles(mapping: HistoryMapping) -> dict[str, list[str]]:
    """Return the roles of each column."""
    roles: dict[str, list[str]] = {}
    for role, column in (*mapping.report.role_columns(), *mapping.outcome.role_columns()):
        roles.setdefault(column, []).append(role)
    if mapping.events is not None:
        roles.setdefault(mapping.events.group_by, []).append("events.group_by")
        roles.setdefault(mapping.events.order_by, []).append("events.order_by")
    if mapping.split_by is not None:
        roles.setdefault(mapping.split_by.column, []).append("split_by")
    return roles


def _values(values: Iterable[str], masking: Masking) -> tuple[str, ...]:
    masked = (" ".join((parse_fact(value, masking) or value).split()) for value in values)
    return tuple(
        value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}..."
        for value in masked
    )


def _missing_roles(mapping: HistoryMapping | None, history: History) -> Iterator[str]:
    """Yield the roles of `_COSTS` that no column has, or that no incident has a value of."""
    reports = [incident.report for incident in history.incidents]
    outcomes = [incident.outcome for incident in history.incidents]
    if mapping is None or (mapping.report.id is None and mapping.events is None):
        yield "id"
    if not any(report.opened_at for report in reports):
        yield "opened_at"
    if not any(report.title or report.description for report in reports):
        yield "text"
    if not any(
        outcome.category or outcome.assignment or outcome.severity or outcome.fields
        for outcome in outcomes
    ):
        yield "outcome"
    if not any(outcome.resolution for outcome in outcomes):
        yield "resolution"
    if not any(outcome.resolved_at for outcome in outcomes):
        yield "resolved_at"

"""Turns the rows of an export into records: one per incident, even if it has several rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from features.domain.history import RejectedRow
from features.imports.column_mapping import EventColumns, HistoryMapping, LabelColumn
from features.imports.dates.date_parsing import parse_dates
from features.imports.tables.table import Table
from features.text.parsing import is_missing, parse_name

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Records:
    """The columns of an export with one value per incident, in three versions.

    `opening` holds the values of each incident's first row, `first` and `last` the first and last
    values that are not missing. In a flat export all three are equal. `lines` are the line numbers
    of the first rows. `repeats` counts the rows of a flat export whose id a later row repeats.
    `changed` says for each column of an audit trail, and each incident, whether it had several
    values.
    """

    opening: Columns
    first: Columns
    last: Columns
    lines: Sequence[int]
    rejected: tuple[RejectedRow, ...] = ()
    is_audit_trail: bool = False
    repeats: int = 0
    changed: Mapping[str, Sequence[bool]] = field(default_factory=dict)

    def outcome(self, label: LabelColumn) -> Sequence[str]:
        """Return the first or last known values of a label column, as the mapping states."""
        return (self.first if label.value == "first" else self.last)[label.column]


def records_of(table: Table, mapping: HistoryMapping) -> Records:
    """Return one record per row, or one per incident if the table is an audit trail.

    A table is an audit trail if the mapping names event columns and an incident has several rows.
    """
    if mapping.events is None:
        return _flat_records(table, mapping)
    groups, rejected = _group_events(table, mapping.events)
    if all(len(rows) == 1 for rows in groups):
        # With one event per incident the rows hold the values at closing, as in a flat export.
        return _flat_records(table, mapping)
    first_rows = [rows[0] for rows in groups]
    columns = {name: table.columns[name] for name in mapping.columns()}
    return Records(
        opening={name: [values[row] for row in first_rows] for name, values in columns.items()},
        first={name: _known_values(values, groups, iter) for name, values in columns.items()},
        last={name: _known_values(values, groups, reversed) for name, values in columns.items()},
        lines=[table.lines[row] for row in first_rows],
        rejected=(*table.rejected, *rejected),
        is_audit_trail=True,
        changed={name: _have_several(values, groups) for name, values in columns.items()},
    )


def _flat_records(table: Table, mapping: HistoryMapping) -> Records:
    """Return one record per row, or per id where rows repeat an id.

    Of rows with one id, the last value that is not missing counts, in the place of the last row.
    """
    columns, lines = table.columns, table.lines
    groups = _rows_by_id(table.columns[mapping.report.id.column]) if mapping.report.id else []
    repeats = len(lines) - len(groups) if groups else 0
    if repeats:
        lines = [table.lines[rows[-1]] for rows in groups]
        columns = {
            name: [_last_value(table.columns[name], rows) for rows in groups]
            for name in mapping.columns()
        }
    return Records(columns, columns, columns, lines, table.rejected, repeats=repeats)


def _rows_by_id(ids: Sequence[str]) -> list[list[int]]:
    """Return the rows of each id in the order of their last rows; a missing id stands alone."""
    groups: dict[str | int, list[int]] = {}
    for row, value in enumerate(ids):
        key = row if is_missing(value) else parse_name(value)
        groups[key] = [*groups.pop(key, ()), row]
    return list(groups.values())


def _last_value(values: Sequence[str], rows: Sequence[int]) -> str:
    known = (values[row] for row in reversed(rows) if not is_missing(values[row]))
    return values[rows[0]] if len(rows) == 1 else next(known, values[rows[-1]])


def _group_events(table: Table, events: EventColumns) -> tuple[list[list[int]], list[RejectedRow]]:
    groups: dict[str, list[int]] = {}
    rejected = []
    for row, key in enumerate(table.columns[events.group_by]):
        if is_missing(key):
            reason = f"has no value in {events.group_by!r}, which names the incident"
            rejected.append(RejectedRow(table.lines[row], "", reason))
        else:
            groups.setdefault(key, []).append(row)
    positions = _positions(table.columns[events.order_by], events.order_by)
    for rows in groups.values():
        rows.sort(key=positions.__getitem__)
    return list(groups.values()), rejected


def _positions(values: Sequence[str], column: str) -> Sequence[float]:
    """Return the sort key of each event; missing values and unreadable times are infinite.

    The keys are numbers if all values are numbers, otherwise times.
    """
    try:
        return [float("inf") if is_missing(value) else float(value) for value in values]
    except ValueError:
        moments, _ = parse_dates(values, column=column)
        return [float("inf") if moment is None else moment.timestamp() for moment in moments]


def _known_values(
    values: Sequence[str],
    groups: Sequence[Sequence[int]],
    iterate: Callable[[Sequence[int]], Iterator[int]],
) -> list[str]:
    """Return for each group the first value that is not missing, in the order of `iterate`."""
    missing = {value for value in set(values) if is_missing(value)}
    return [
        next((values[row] for row in iterate(rows) if values[row] not in missing), "")
        for rows in groups
    ]


def _have_several(values: Sequence[str], groups: Sequence[Sequence[int]]) -> list[bool]:
    """Return for each group whether it has several values, missing ones left out."""
    missing = {value for value in set(values) if is_missing(value)}
    return [len({values[row] for row in rows} - missing) > 1 for rows in groups]

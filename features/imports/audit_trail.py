"""One record per incident: a flat export's row, or an audit trail's opening and last events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.domain.history import RejectedRow
from features.imports.column_mapping import EventColumns, HistoryMapping, LabelColumn
from features.imports.date_parsing import parse_dates
from features.imports.table_files import Table
from features.text.parsing import is_missing

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Records:
    """Columns of one value per incident, as `opening` and as the `first` and `last` known.

    `lines` are those of the opening events.
    """

    opening: Columns
    first: Columns
    last: Columns
    lines: Sequence[int]
    rejected: tuple[RejectedRow, ...] = ()
    is_audit_trail: bool = False

    def outcome(self, label: LabelColumn) -> Sequence[str]:
        """Return a label column as the mapping wants it."""
        return (self.first if label.value == "first" else self.last)[label.column]


def records_of(table: Table, mapping: HistoryMapping) -> Records:
    """Return one record per row, or per group of events if the mapping says so."""
    if mapping.events is None:
        return _flat(table)
    groups, rejected = _group_events(table, mapping.events)
    if all(len(rows) == 1 for rows in groups):
        # One event each is no trail: the row holds closing values like any flat export.
        return _flat(table)
    openings = [rows[0] for rows in groups]
    named = {name: table.columns[name] for name in mapping.columns()}
    return Records(
        opening={name: [values[row] for row in openings] for name, values in named.items()},
        first={name: _known(values, groups, iter) for name, values in named.items()},
        last={name: _known(values, groups, reversed) for name, values in named.items()},
        lines=[table.lines[row] for row in openings],
        rejected=(*table.rejected, *rejected),
        is_audit_trail=True,
    )


def _flat(table: Table) -> Records:
    return Records(table.columns, table.columns, table.columns, table.lines, table.rejected)


def _group_events(table: Table, events: EventColumns) -> tuple[list[list[int]], list[RejectedRow]]:
    groups: dict[str, list[int]] = {}
    rejected = []
    for row, key in enumerate(table.columns[events.group_by]):
        if is_missing(key):
            reason = f"has no value in {events.group_by!r}, which names its incident"
            rejected.append(RejectedRow(table.lines[row], "", reason))
        else:
            groups.setdefault(key, []).append(row)
    position = _positions(table.columns[events.order_by], events.order_by)
    for rows in groups.values():
        rows.sort(key=position.__getitem__)
    return list(groups.values()), rejected


def _positions(values: Sequence[str], column: str) -> Sequence[float]:
    """Return each event's place in time: a number, else a time; one without stays behind."""
    try:
        return [float("inf") if is_missing(value) else float(value) for value in values]
    except ValueError:
        moments, _ = parse_dates(values, column=column)
        return [float("inf") if m is None else m.timestamp() for m in moments]


def _known(
    values: Sequence[str],
    groups: Sequence[Sequence[int]],
    walk: Callable[[Sequence[int]], Iterator[int]],
) -> list[str]:
    absent = {value for value in set(values) if is_missing(value)}
    return [
        next((values[row] for row in walk(rows) if values[row] not in absent), "")
        for rows in groups
    ]

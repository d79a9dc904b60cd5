"""Which rows of an export hold an incident: continued rows and broken rows are left out."""

from collections.abc import Sequence
from dataclasses import replace

from features.domain.history import RejectedRow
from features.imports.column_mapping import HistoryMapping
from features.imports.tables.table import Table
from features.text.parsing import is_missing

_NEEDED = ("id", "opened_at", "title")


def select_incidents(table: Table, mapping: HistoryMapping) -> Table:
    """Return the table without rows that hold no incident, which are added to its rejected rows.

    Left out are rows that end before the columns of id, opening time and title, and rows with
    neither an id nor a text, such as a row for each comment. A warning counts the rows that are
    shorter than the header and kept.

    >>> mapping = HistoryMapping.model_validate({"report": {"id": "n", "title": "t"}})
    >>> table = Table({"n": ["1", ""], "t": ["down", ""], "note": ["", "called"]}, lines=[2, 3])
    >>> select_incidents(table, mapping).rejected
    (RejectedRow(line=3, id='', reason='has neither an id nor a text'),)
    """
    reasons = dict.fromkeys(_rows_without_text(table, mapping), "has neither an id nor a text")
    needed = _needed_cells(table, mapping)
    names = len(table.columns)
    short = 0
    for row, count in table.cell_counts.items():
        if count < needed:
            reasons[row] = f"has {count} values, but the header names {names} columns"
        elif row not in reasons:
            short += 1
    selected = _without_rows(table, reasons) if reasons else table
    if not short:
        return selected
    verb = "row has" if short == 1 else "rows have"
    warning = f"{short:,} {verb} fewer values than the header; the missing values count as empty"
    return replace(selected, warnings=(*table.warnings, warning))


def _needed_cells(table: Table, mapping: HistoryMapping) -> int:
    """Return the number of cells up to the last of the columns that a row cannot do without."""
    places = {column: place for place, column in enumerate(table.columns, start=1)}
    columns = [column for role, column in mapping.report.role_columns() if role in _NEEDED]
    return max((places[column] for column in columns), default=0)


def _rows_without_text(table: Table, mapping: HistoryMapping) -> Sequence[int]:
    """Return the rows in which the id and each text is blank.

    Without columns of text, all columns of the report count; without a column of ids, too.
    """
    report = mapping.report
    if mapping.events is not None:
        return []
    roles = [(role, column) for role, column in report.role_columns() if role != "attributes"]
    texts = [column for role, column in roles if role in ("title", "description")]
    columns = [column for _, column in roles]
    if report.id is not None and texts:
        columns = [report.id.column, *texts]
    if not columns:
        return []
    first, *others = (table.columns[column] for column in columns)
    is_id = report.id is not None
    blank = [row for row, value in enumerate(first) if _is_blank(value, is_id=is_id)]
    return [row for row in blank if not any(values[row].strip() for values in others)]


def _is_blank(value: str, *, is_id: bool) -> bool:
    # A text may well be "none" or "?", an id may not.
    return is_missing(value) if is_id else not value.strip()


def _without_rows(table: Table, reasons: dict[int, str]) -> Table:
    kept = [row for row in range(len(table.lines)) if row not in reasons]
    rejected = [RejectedRow(table.lines[row], "", reason) for row, reason in reasons.items()]
    return replace(
        table,
        columns={name: [values[row] for row in kept] for name, values in table.columns.items()},
        lines=[table.lines[row] for row in kept],
        rejected=(*table.rejected, *rejected),
        cell_counts={},
    )

"""Imports an export: reads a file with a mapping into a history."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.domain.history import History, RejectedRow
from features.domain.report import IncidentReport, ResolvedIncident
from features.errors import BadMapping, UnreadableFile
from features.imports.audit_trail import Columns, Records, records_of
from features.imports.column_mapping import HistoryMapping
from features.imports.incident_ids import incident_ids
from features.imports.leakage import Values, determining_columns, late_columns, shared_columns
from features.imports.mapping_inference import recognise_headers
from features.imports.read_outcomes import Outcomes, read_outcomes
from features.imports.read_reports import provenance_of, read_reports
from features.imports.row_selection import select_incidents
from features.imports.tables.read_table import read_table
from features.imports.tables.table import Table, TablePreview
from features.text.masking import Masking, configured_masking
from features.text.parsing import parse_label


@dataclass(frozen=True, slots=True)
class ImportedExport:
    """An export as it was read: its first values, what its columns mean, and the history.

    `is_recognised` says that the headers were recognised, because no mapping was given;
    `told_by_values` are the columns whose values told their role.
    """

    preview: TablePreview
    mapping: HistoryMapping
    history: History
    is_recognised: bool
    told_by_values: frozenset[str]


def load_history(
    path: Path,
    mapping: HistoryMapping | None = None,
    *,
    strict: bool = False,
    report_folder: Path | None = None,
    masking: Masking | None = None,
) -> History:
    """Import an export, as `import_export` does, and return its history alone."""
    return import_export(
        path, mapping, strict=strict, report_folder=report_folder, masking=masking
    ).history


def import_export(
    path: Path,
    mapping: HistoryMapping | None = None,
    *,
    strict: bool = False,
    report_folder: Path | None = None,
    masking: Masking | None = None,
) -> ImportedExport:
    """Import an export; without a mapping, the columns are recognised by their headers.

    Rejected rows are listed in `rejected-<file>.csv` in `report_folder`. A report column that leaks
    the outcome is dropped with a warning. `masking` is read from the settings by default. Raises
    `UnreadableFile` if the file cannot be read or every row is rejected, and `BadMapping` if the
    mapping does not fit the file or, with `strict`, if a report column leaks the outcome.
    """
    return import_table(
        read_table(path),
        mapping,
        path,
        strict=strict,
        report_folder=report_folder,
        masking=masking or configured_masking(),
    )


def import_table(
    table: Table,
    mapping: HistoryMapping | None,
    path: Path,
    *,
    strict: bool = False,
    report_folder: Path | None = None,
    masking: Masking,
) -> ImportedExport:
    """Import the table of the export at `path`, as `import_export` does."""
    is_recognised = mapping is None
    recognised: list[str] = []
    told_by_values: frozenset[str] = frozenset()
    if mapping is None:
        recognition = recognise_headers(list(table.columns), table.columns)
        mapping, told_by_values = recognition.mapping, frozenset(recognition.by_values.values())
        recognised = [
            f"without a mapping, columns were recognised as those of {recognition.product}: "
            f"{_summary(mapping)}",
            *recognition.warnings(),
        ]
    mapping.check_against(list(table.columns), path.name)
    preview = TablePreview.of(table)
    # From here on nobody holds the columns that the mapping does not name.
    table = _named_columns(select_incidents(table, mapping), mapping)
    history = _build(table, mapping, [*table.warnings, *recognised], strict, masking)
    if report_folder is not None:
        _write_rejected(history.rejected, report_folder / f"rejected-{path.name.split('.')[0]}.csv")
    if not history.incidents:
        row = history.rejected[0]
        raise UnreadableFile(f"{path}: every row is rejected; line {row.line}: {row.reason}")
    return ImportedExport(preview, mapping, history, is_recognised, told_by_values)


def _named_columns(table: Table, mapping: HistoryMapping) -> Table:
    return replace(table, columns={name: table.columns[name] for name in mapping.columns()})


def _build(
    table: Table, mapping: HistoryMapping, warnings: list[str], strict: bool, masking: Masking
) -> History:
    records = records_of(table, mapping)
    outcomes = read_outcomes(mapping, records, masking)
    if mapping.events is not None and not records.is_audit_trail:
        warnings.append("events: no incident has several events; the file is read as a flat export")
    if records.repeats:
        warnings.append(
            f"{records.repeats} rows repeat an id; of each id, the last value that is not blank is "
            "used"
        )
    leaks = _find_leaks(mapping, records, outcomes, masking)
    if leaks and strict:
        column, reason = next(iter(leaks.items()))
        raise BadMapping(
            f"the report column {column!r} {reason}; remove it from the report "
            f"({len(leaks)} in all: {', '.join(leaks)})"
        )
    warnings += [
        f"{column}: dropped from the report, it {reason}" for column, reason in leaks.items()
    ]
    safe_mapping = mapping.without_report_columns(leaks)
    # The ids do not depend on which columns leak in this file: the next file may differ.
    ids, id_warnings = incident_ids(mapping, records)
    reports = read_reports(safe_mapping, records, ids, masking)
    report_at, repeat_warnings = _last_report_per_id(reports.reports)
    warnings += [*outcomes.warnings, *reports.warnings, *id_warnings, *repeat_warnings]
    rejected = sorted((*records.rejected, *reports.rejected), key=lambda row: row.line)
    return History(
        incidents=tuple(
            ResolvedIncident(report, outcomes.of(row)) for row, report in report_at.items()
        ),
        severity_levels=outcomes.severity_levels,
        field_levels=outcomes.field_levels,
        priority_matrix=outcomes.priority_matrix,
        groups=_groups(mapping, records, report_at),
        provenance=provenance_of(safe_mapping, records),
        rejected=tuple(rejected),
        warnings=tuple(warnings),
        sha256=table.sha256,
        renamed=mapping.renamed,
    )


def _find_leaks(
    mapping: HistoryMapping, records: Records, outcomes: Outcomes, masking: Masking
) -> dict[str, str]:
    leaks = shared_columns(mapping)
    columns = [column for column in mapping.report.attributes if column not in leaks]
    opening_values = _values(columns, records.opening, masking)
    leaks |= late_columns(mapping, opening_values, outcomes.is_resolved())
    columns = [column for column in columns if column not in leaks]
    last_values = _values(columns, records.last, masking)
    opening_values = {column: opening_values[column] for column in columns}
    return leaks | determining_columns(mapping, opening_values, last_values, outcomes.choices)


def _values(columns: Iterable[str], values: Columns, masking: Masking) -> dict[str, Values]:
    return {column: [parse_label(value, masking) for value in values[column]] for column in columns}


def _last_report_per_id(
    reports: Sequence[IncidentReport | None],
) -> tuple[dict[int, IncidentReport], list[str]]:
    """Return the last report of each id, by row, and a warning if ids are repeated."""
    row_of = {report.id: row for row, report in enumerate(reports) if report is not None}
    last_rows = set(row_of.values())
    repeats = sum(report is not None for report in reports) - len(last_rows)
    warnings = [f"{repeats} rows repeat an id; the last row of each id is used"] if repeats else []
    return {
        row: report for row, report in enumerate(reports) if report and row in last_rows
    }, warnings


def _groups(mapping: HistoryMapping, records: Records, rows: Iterable[int]) -> tuple[str, ...]:
    if mapping.split_by is None:
        return ()
    values = records.opening[mapping.split_by.column]
    return tuple(mapping.split_by.group_of(values[row]) for row in rows)


def _summary(mapping: HistoryMapping) -> str:
    roles = (*mapping.report.role_columns(), *mapping.outcome.role_columns())
    return ", ".join(f"{role} = {column}" for role, column in roles)


def _write_rejected(rejected: Sequence[RejectedRow], file: Path) -> None:
    file.unlink(missing_ok=True)
    if not rejected:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("line", "id", "reason"))
        writer.writerows((row.line, row.id, row.reason) for row in rejected)

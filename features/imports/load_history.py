"""The import of an export: a file and its mapping become a history."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from features.domain.history import History, RejectedRow
from features.domain.report import IncidentReport, ResolvedIncident
from features.errors import BadMapping, UnreadableFile
from features.imports.audit_trail import Columns, Records, records_of
from features.imports.column_mapping import HistoryMapping
from features.imports.leakage import Values, late_columns, shared_columns, telling_columns
from features.imports.mapping_inference import recognise
from features.imports.read_outcomes import Outcomes, read_outcomes
from features.imports.read_reports import provenance_of, read_reports
from features.imports.table_files import Table, read_table
from features.text.masking import Masking, configured_masking
from features.text.parsing import parse_label


def load_history(
    path: Path,
    mapping: HistoryMapping | None = None,
    *,
    strict: bool = False,
    report_folder: Path | None = None,
    masking: Masking | None = None,
) -> History:
    """Import an export; without a mapping its headers are recognised.

    Rejected rows are named in `rejected-<file>.csv` in `report_folder`. A column that tells the
    outcome is dropped with a warning, or refused when `strict`. `masking` is by default what the
    settings ask for. Raises `UnreadableFile` and `BadMapping`.
    """
    table = read_table(path)
    warnings: list[str] = []
    if mapping is None:
        mapping = recognise(list(table.columns))
        warnings.append(f"without a mapping, columns were recognised: {_summary(mapping)}")
    mapping.check_against(list(table.columns), path.name)
    history = _build(table, mapping, warnings, strict, masking or configured_masking())
    if report_folder is not None:
        _write_rejected(history.rejected, report_folder / f"rejected-{path.name.split('.')[0]}.csv")
    if not history.incidents:
        first = history.rejected[0]
        raise UnreadableFile(f"{path}: every row is rejected; line {first.line}: {first.reason}")
    return history


def _build(
    table: Table, mapping: HistoryMapping, warnings: list[str], strict: bool, masking: Masking
) -> History:
    records = records_of(table, mapping)
    outcomes = read_outcomes(mapping, records, masking)
    if mapping.events is not None and not records.is_audit_trail:
        warnings.append("events: no incident has two of them; read as a flat export")
    leaks = _find_leaks(mapping, records, outcomes)
    if leaks and strict:
        column, reason = next(iter(leaks.items()))
        raise BadMapping(
            f"the report column {column!r} {reason}; remove it from the report "
            f"({len(leaks)} such: {', '.join(leaks)})"
        )
    warnings += [f"{column}: dropped from the report, it {why}" for column, why in leaks.items()]
    safe = mapping.without_report_columns(leaks)
    parsed = read_reports(safe, records, masking)
    rows, repeated = _last_of_each_id(parsed.reports)
    warnings += [*outcomes.warnings, *parsed.warnings, *repeated]
    rejected = sorted((*records.rejected, *parsed.rejected), key=lambda row: row.line)
    return History(
        incidents=tuple(ResolvedIncident(rows[row], outcomes.of(row)) for row in rows),
        severity_levels=outcomes.severity_levels,
        field_levels=outcomes.field_levels,
        priority_matrix=outcomes.priority_matrix,
        groups=_groups(mapping, records, rows),
        provenance=provenance_of(safe, records),
        rejected=tuple(rejected),
        warnings=tuple(warnings),
        sha256=table.sha256,
    )


def _find_leaks(mapping: HistoryMapping, records: Records, outcomes: Outcomes) -> dict[str, str]:
    leaks = shared_columns(mapping)
    suspects = [column for column in mapping.report.attributes if column not in leaks]
    opening = _values(suspects, records.opening)
    leaks |= late_columns(mapping, opening, outcomes.is_resolved())
    suspects = [column for column in suspects if column not in leaks]
    later = _values(suspects, records.last)
    early = {column: opening[column] for column in suspects}
    return leaks | telling_columns(mapping, early, later, outcomes.choices)


def _values(columns: Iterable[str], values: Columns) -> dict[str, Values]:
    return {column: [parse_label(value) for value in values[column]] for column in columns}


def _last_of_each_id(
    reports: Sequence[IncidentReport | None],
) -> tuple[dict[int, IncidentReport], list[str]]:
    """Return the reports to keep, by row: of rows with one id the last."""
    row_of = {report.id: row for row, report in enumerate(reports) if report is not None}
    kept = set(row_of.values())
    repeated = sum(report is not None for report in reports) - len(kept)
    warnings = [f"{repeated} rows repeat an id; of each id the last row counts"] if repeated else []
    return {r: report for r, report in enumerate(reports) if report and r in kept}, warnings


def _groups(mapping: HistoryMapping, records: Records, rows: Iterable[int]) -> tuple[str, ...]:
    if mapping.split_by is None:
        return ()
    values = records.opening[mapping.split_by.column]
    return tuple(mapping.split_by.group_of(values[row]) for row in rows)


def _summary(mapping: HistoryMapping) -> str:
    roles = (*mapping.report.named(), *mapping.outcome.named())
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

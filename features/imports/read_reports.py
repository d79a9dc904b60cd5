"""Reads the reports of a history; a row is parsed in the same way as a request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from features.domain.history import Provenance, RejectedRow
from features.domain.report import IncidentReport
from features.imports.audit_trail import Records
from features.imports.column_mapping import HistoryMapping, ReportColumns
from features.imports.dates.date_parsing import Moments, parse_dates, usable_openings
from features.imports.mapping_inference import is_caller
from features.text.masking import Masking
from features.text.parsing import ReportFields, has_unprintable

_TEXT_ROLES = ("title", "description", "service", "source")


@dataclass(frozen=True, slots=True)
class Reports:
    """The report of each record, None where the record was rejected."""

    reports: Sequence[IncidentReport | None]
    rejected: Sequence[RejectedRow]
    warnings: Sequence[str]


def read_reports(
    mapping: HistoryMapping, records: Records, ids: Sequence[str], masking: Masking
) -> Reports:
    """Parse the report columns of each record; a record beyond the limits is rejected.

    `ids` has the id of each record.
    """
    moments, warnings = _opening_times(mapping, records)
    reports: list[IncidentReport | None] = []
    rejected: list[RejectedRow] = []
    raw_reports = zip(_raw_reports(mapping, records, ids), moments, strict=True)
    for row, (raw_report, moment) in enumerate(raw_reports):
        try:
            fields = ReportFields.model_validate({**raw_report, "opened_at": moment})
            reports.append(fields.parse(masking))
        except ValidationError as error:
            reports.append(None)
            incident_id = str(raw_report["id"])[:80]
            rejected.append(RejectedRow(records.lines[row], incident_id, _reason(error)))
    warnings = [*warnings, *_unprintable_warnings(mapping.report, records)]
    return Reports(reports, rejected, warnings)


def provenance_of(mapping: HistoryMapping, records: Records) -> dict[str, Provenance]:
    """Return the provenance of each report column: as the mapping states it, else the default.

    By default, the columns of the id, opening time and caller, and every column of an audit trail,
    count as written at opening; the provenance of other columns is unknown.
    """
    provenance: dict[str, Provenance] = {}
    for role, column in mapping.report.role_columns():
        is_fixed = role in ("id", "opened_at") or is_caller(column) or records.is_audit_trail
        default = Provenance.OPENING if is_fixed else Provenance.UNKNOWN
        provenance[column] = mapping.columns_known.get(column, default)
    return provenance


def _opening_times(mapping: HistoryMapping, records: Records) -> tuple[Moments, list[str]]:
    opened_at = mapping.report.opened_at
    if opened_at is None:
        return [None] * len(records.lines), []
    column = opened_at.column
    values = records.opening[column]
    moments, date_warnings = parse_dates(
        values, column=column, date_format=opened_at.format, time_zone=mapping.time_zone
    )
    moments, column_warnings = usable_openings(moments, column=column)
    return moments, date_warnings + column_warnings


def _raw_reports(
    mapping: HistoryMapping, records: Records, ids: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield the report fields of each record, in the form of a request."""
    columns = dict(_text_columns(mapping.report, records))
    attributes = mapping.report.attributes
    facts = zip(*(records.opening[column] for column in attributes), strict=True)
    texts = zip(*columns.values(), strict=True)
    for incident_id in ids:
        raw_report: dict[str, object] = {"id": incident_id}
        if columns:
            raw_report.update(zip(columns, next(texts), strict=True))
        if attributes:
            raw_report["attributes"] = dict(zip(attributes, next(facts), strict=True))
        yield raw_report


def _text_columns(report: ReportColumns, records: Records) -> Iterator[tuple[str, Sequence[str]]]:
    for role, column in report.role_columns():
        if role in _TEXT_ROLES:
            yield role, records.opening[column]


def _unprintable_warnings(report: ReportColumns, records: Records) -> list[str]:
    columns = [values for _, values in _text_columns(report, records)]
    count = sum(any(map(has_unprintable, texts)) for texts in zip(*columns, strict=True))
    return [f"{count} rows held control or broken characters, now removed"] if count else []


def _reason(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, details["loc"]))[:80]
    if details["type"] == "too_long":
        return f"{field}: is longer than {details['ctx']['max_length']:,} characters"
    return f"{field}: {details['msg']}"

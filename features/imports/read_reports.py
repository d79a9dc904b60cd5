"""The reports of a history: every row goes through the same parsing as a request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from features.domain.history import Provenance, RejectedRow
from features.domain.report import IncidentReport
from features.imports.audit_trail import Records
from features.imports.column_mapping import HistoryMapping, ReportColumns
from features.imports.date_parsing import Moments, parse_dates, usable_openings
from features.imports.mapping_inference import is_caller
from features.text.masking import Masking
from features.text.parsing import ReportFields, has_unprintable, is_missing

_TEXT_ROLES = ("title", "description", "service", "source")


@dataclass(frozen=True, slots=True)
class Reports:
    """The report of each record, None where the record is rejected."""

    reports: Sequence[IncidentReport | None]
    rejected: Sequence[RejectedRow]
    warnings: Sequence[str]


def read_reports(mapping: HistoryMapping, records: Records, masking: Masking) -> Reports:
    """Parse the report columns of each record; a record beyond the limits is rejected."""
    opened, warnings = _openings(mapping, records)
    reports: list[IncidentReport | None] = []
    rejected: list[RejectedRow] = []
    for row, (given, moment) in enumerate(zip(_given(mapping, records), opened, strict=True)):
        try:
            fields = ReportFields.model_validate({**given, "opened_at": moment})
            reports.append(fields.parse(masking))
        except ValidationError as error:
            reports.append(None)
            rejected.append(RejectedRow(records.lines[row], str(given["id"])[:80], _why(error)))
    return Reports(reports, rejected, [*warnings, *_unprintable(mapping.report, records)])


def provenance_of(mapping: HistoryMapping, records: Records) -> dict[str, Provenance]:
    """Return when each report column was written: as stated, else by the kind of the export."""
    known: dict[str, Provenance] = {}
    for role, column in mapping.report.named():
        is_fixed = role in ("id", "opened_at") or is_caller(column) or records.is_audit_trail
        usual = Provenance.OPENING if is_fixed else Provenance.UNKNOWN
        known[column] = mapping.columns_known.get(column, usual)
    return known


def _openings(mapping: HistoryMapping, records: Records) -> tuple[Moments, list[str]]:
    opened = mapping.report.opened_at
    if opened is None:
        return [None] * len(records.lines), []
    values = records.opening[opened.column]
    moments, unreadable = parse_dates(values, column=opened.column, date_format=opened.format)
    moments, unusable = usable_openings(moments, column=opened.column)
    return moments, unreadable + unusable


def _given(mapping: HistoryMapping, records: Records) -> Iterator[dict[str, object]]:
    """Yield the report fields of each record, as a request would give them."""
    roles = dict(_role_columns(mapping.report, records))
    attributes = mapping.report.attributes
    facts = zip(*(records.opening[column] for column in attributes), strict=True)
    texts = zip(*roles.values(), strict=True)
    for identifier in _identifiers(mapping, records):
        given: dict[str, object] = {"id": identifier}
        if roles:
            given.update(zip(roles, next(texts), strict=True))
        if attributes:
            given["attributes"] = dict(zip(attributes, next(facts), strict=True))
        yield given


def _role_columns(report: ReportColumns, records: Records) -> Iterator[tuple[str, Sequence[str]]]:
    for role, column in report.named():
        if role in _TEXT_ROLES:
            yield role, records.opening[column]


def _identifiers(mapping: HistoryMapping, records: Records) -> list[str]:
    named = mapping.report.id.column if mapping.report.id else None
    if named is None and mapping.events is not None:
        named = mapping.events.group_by
    values = records.opening[named] if named else [""] * len(records.lines)
    return [f"row-{n}" if is_missing(value) else value for n, value in enumerate(values, start=1)]


def _unprintable(report: ReportColumns, records: Records) -> list[str]:
    columns = [values for _, values in _role_columns(report, records)]
    count = sum(any(map(has_unprintable, texts)) for texts in zip(*columns, strict=True))
    return [f"{count} rows held control or broken characters, now removed"] if count else []


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))[:80]
    if first["type"] == "too_long":
        return f"{place}: is longer than {first['ctx']['max_length']:,} characters"
    return f"{place}: {first['msg']}"

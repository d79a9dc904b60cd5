"""Reads the outcomes of a history, column by column: labels, times and texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from features.domain.history import PriorityMatrix
from features.domain.label_renames import current_label
from features.domain.report import Outcome
from features.imports.audit_trail import Records
from features.imports.column_mapping import HistoryMapping, LabelColumn
from features.imports.date_parsing import Moments, parse_dates
from features.imports.ordinal_labels import read_ordinal_labels
from features.text.masking import Masking
from features.text.parsing import is_missing, parse_label, parse_text

Labels = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcome columns with one value per incident.

    `choices` holds the labels by target. `facts` holds the ids of runbooks and of duplicated
    incidents, by field of `Outcome`.
    """

    choices: Mapping[str, Labels]
    facts: Mapping[str, Labels]
    resolutions: Sequence[str | None]
    resolved_at: Moments
    severity_levels: tuple[str, ...]
    field_levels: Mapping[str, tuple[str, ...]]
    priority_matrix: PriorityMatrix | None
    warnings: Sequence[str]

    def of(self, row: int) -> Outcome:
        """Return the outcome of a row's incident."""
        choices = {target: labels[row] for target, labels in self.choices.items()}
        fields = {
            target.removeprefix("fields."): label
            for target, label in choices.items()
            if target.startswith("fields.") and label is not None
        }
        return Outcome(
            category=choices.get("category"),
            assignment=choices.get("assignment"),
            severity=choices.get("severity"),
            resolution=self.resolutions[row],
            runbook_id=self.facts["runbook_id"][row],
            resolved_at=self.resolved_at[row],
            duplicate_of=self.facts["duplicate_of"][row],
            fields=fields,
        )

    def is_resolved(self) -> list[bool]:
        """Return for each incident whether it has a resolution or a time of resolution."""
        rows = zip(self.resolutions, self.resolved_at, strict=True)
        return [text is not None or moment is not None for text, moment in rows]


def read_outcomes(mapping: HistoryMapping, records: Records, masking: Masking) -> Outcomes:
    """Read every outcome column; resolutions and labels are masked.

    Labels that the mapping states as renamed are read as the new ones.
    """
    outcome = mapping.outcome
    choices = {
        target: [
            None if label is None else current_label(mapping.renamed, target, label)
            for label in _labels(column, records, masking)
        ]
        for target, column in outcome.choices().items()
    }
    ordinal = read_ordinal_labels(outcome, choices)
    warnings = ordinal.warnings
    moments: Moments = [None] * len(records.lines)
    if (resolved_at := outcome.resolved_at) is not None:
        moments, date_warnings = parse_dates(
            records.last[resolved_at.column],
            column=resolved_at.column,
            date_format=resolved_at.format,
        )
        warnings += date_warnings
    return Outcomes(
        choices=choices | ordinal.labels,
        facts={
            "runbook_id": _labels(outcome.runbook_id, records, masking),
            "duplicate_of": _labels(outcome.duplicate_of, records, masking),
        },
        resolutions=_resolutions(outcome.resolution, records, masking),
        resolved_at=moments,
        severity_levels=ordinal.levels.get("severity", ()),
        field_levels={name: ordinal.levels[f"fields.{name}"] for name in outcome.parts()},
        priority_matrix=ordinal.matrix,
        warnings=warnings,
    )


def _labels(column: LabelColumn | None, records: Records, masking: Masking) -> Labels:
    if column is None:
        return [None] * len(records.lines)
    return [parse_label(value, masking) for value in records.outcome(column)]


def _resolutions(column: LabelColumn | None, records: Records, masking: Masking) -> Labels:
    if column is None:
        return [None] * len(records.lines)
    parse = partial(parse_text, masking=masking)
    return [
        None if is_missing(value) else parse(value) or None for value in records.outcome(column)
    ]

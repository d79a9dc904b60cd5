"""Reads the outcomes of a history, column by column: labels, times and texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from features.domain.history import PriorityMatrix
from features.domain.label_renames import current_label
from features.domain.report import Outcome, Status
from features.imports.audit_trail import Records
from features.imports.column_mapping import HistoryMapping, LabelColumn, OutcomeColumns
from features.imports.dates.date_parsing import Moments, parse_dates
from features.imports.flag_words import read_counts, read_flags
from features.imports.listed_values import first_items
from features.imports.ordinal_labels import read_ordinal_labels
from features.imports.states.comment_resolutions import comment_resolutions
from features.imports.states.read_states import Statuses, drop_ends_of_open, read_states
from features.text.masking import Masking
from features.text.parsing import is_missing, parse_label, parse_text

Labels = Sequence[str | None]
Flags = Sequence[bool | None]


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
    statuses: Statuses
    sla_met: Flags
    reassigned: Flags
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
            status=self.statuses[row],
            sla_met=self.sla_met[row],
            reassigned=self.reassigned[row],
        )

    def is_resolved(self) -> list[bool]:
        """Return for each incident whether it is resolved.

        Without a stated status, an incident with a resolution or a time of resolution is.
        """
        rows = zip(self.statuses, self.resolutions, self.resolved_at, strict=True)
        return [_is_resolved(status, text, moment) for status, text, moment in rows]


def read_outcomes(mapping: HistoryMapping, records: Records, masking: Masking) -> Outcomes:
    """Read every outcome column; resolutions and labels are masked.

    Labels that the mapping states as renamed are read as the new ones.
    """
    outcome, warnings = mapping.outcome, list[str]()
    choices = {
        target: [
            None if label is None else current_label(mapping.renamed, target, label)
            for label in _labels(column, records, masking, warnings)
        ]
        for target, column in outcome.choices().items()
    }
    ordinal = read_ordinal_labels(outcome, choices)
    warnings += ordinal.warnings
    statuses, state_warnings = read_states(outcome.state, records)
    moments = _ends(mapping, records, statuses, warnings)
    warnings += state_warnings
    return Outcomes(
        choices=choices | ordinal.labels,
        facts={
            "runbook_id": _labels(outcome.runbook_id, records, masking, warnings),
            "duplicate_of": _labels(outcome.duplicate_of, records, masking, warnings),
        },
        resolutions=_resolutions(outcome, records, statuses, moments, masking, warnings),
        resolved_at=moments,
        statuses=statuses,
        sla_met=_sla_met(outcome, records, warnings),
        reassigned=_reassigned(outcome, records, warnings),
        severity_levels=ordinal.levels.get("severity", ()),
        field_levels={name: ordinal.levels[f"fields.{name}"] for name in outcome.parts()},
        priority_matrix=ordinal.matrix,
        warnings=warnings,
    )


def _is_resolved(status: Status | None, text: str | None, moment: datetime | None) -> bool:
    if status is not None:
        return status is Status.RESOLVED
    return text is not None or moment is not None


def _ends(
    mapping: HistoryMapping, records: Records, statuses: Statuses, warnings: list[str]
) -> Moments:
    resolved_at = mapping.outcome.resolved_at
    if resolved_at is None:
        return [None] * len(records.lines)
    moments, date_warnings = parse_dates(
        records.last[resolved_at.column],
        column=resolved_at.column,
        date_format=resolved_at.format,
        time_zone=mapping.time_zone,
    )
    moments, state_warnings = drop_ends_of_open(statuses, moments, resolved_at.column)
    warnings += [*date_warnings, *state_warnings]
    return moments


def _sla_met(outcome: OutcomeColumns, records: Records, warnings: list[str]) -> Flags:
    column = outcome.sla_met
    if column is None:
        return [None] * len(records.lines)
    flags, flag_warnings = read_flags(
        records.last[column.column], column.column, negated=column.negated
    )
    warnings += flag_warnings
    return flags


def _reassigned(outcome: OutcomeColumns, records: Records, warnings: list[str]) -> Flags:
    """Return which incidents were reassigned, by their column or else by the audit trail."""
    column = outcome.reassigned
    if column is None or column.changes:
        assigned = column or outcome.assignment
        if assigned is None or not records.is_audit_trail:
            return [None] * len(records.lines)
        return records.changed[assigned.column]
    flags, count_warnings = read_counts(records.last[column.column], column.column)
    warnings += count_warnings
    return flags


def _labels(
    column: LabelColumn | None, records: Records, masking: Masking, warnings: list[str]
) -> Labels:
    if column is None:
        return [None] * len(records.lines)
    values, list_warnings = first_items(records.outcome(column), column.column)
    warnings += list_warnings
    return [parse_label(value, masking) for value in values]


def _resolutions(
    outcome: OutcomeColumns,
    records: Records,
    statuses: Statuses,
    moments: Moments,
    masking: Masking,
    warnings: list[str],
) -> Labels:
    column = outcome.resolution
    texts: Sequence[str] = records.outcome(column) if column else [""] * len(records.lines)
    parse = partial(parse_text, masking=masking)
    resolutions = [None if is_missing(text) else parse(text) or None for text in texts]
    if outcome.comments is None:
        return resolutions
    from_comments = [
        parse(comment) or None if text is None and _is_resolved(status, None, moment) else None
        for comment, text, status, moment in zip(
            comment_resolutions(outcome.comments, records),
            resolutions,
            statuses,
            moments,
            strict=True,
        )
    ]
    if count := sum(text is not None for text in from_comments):
        warnings.append(
            f"resolution: {count} incidents have none; the last comment by who resolved them "
            f"({', '.join(outcome.comments.resolvers)}) is used"
        )
    return [old or new for old, new in zip(resolutions, from_comments, strict=True)]

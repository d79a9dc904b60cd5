"""Reads what the state column of a history says: open or resolved."""

from collections import Counter
from collections.abc import Sequence

from features.domain.report import Status
from features.imports.audit_trail import Records
from features.imports.column_mapping import StateColumn
from features.imports.dates.date_parsing import Moments
from features.imports.states.state_words import state_key, status_of
from features.text.parsing import is_missing

Statuses = Sequence[Status | None]

_MOST_NAMED = 10


def read_states(column: StateColumn | None, records: Records) -> tuple[Statuses, list[str]]:
    """Return the status of each incident, None if it is not stated or not understood, and warnings.

    The lists of the mapping come before the usual words. Words that are not understood are named
    and counted.
    """
    if column is None:
        return [None] * len(records.lines), []
    values = records.last[column.column]
    status_by_value = {value: _status_of(value, column) for value in set(values)}
    strange = Counter(
        value.strip()
        for value in values
        if status_by_value[value] is None and not is_missing(value)
    )
    warnings = []
    if strange:
        named = ", ".join(
            f"{value[:40]!r} ({count})" for value, count in strange.most_common(_MOST_NAMED)
        )
        warnings.append(
            f"{column.column}: it is not known whether {named} mean open or resolved; these states "
            "count as not stated, list them as `open` or `resolved` under outcome.state"
        )
    return [status_by_value[value] for value in values], warnings


def drop_ends_of_open(
    statuses: Statuses, moments: Moments, column: str
) -> tuple[Moments, list[str]]:
    """Return the times of resolution without those of open incidents, and warnings.

    An incident that was reopened keeps the time of its first resolution in many products.
    """
    reopened = sum(
        status is Status.OPEN and moment is not None
        for status, moment in zip(statuses, moments, strict=True)
    )
    if not reopened:
        return moments, []
    return [
        None if status is Status.OPEN else moment
        for status, moment in zip(statuses, moments, strict=True)
    ], [
        f"{column}: {reopened} incidents are open by their state but have a time of resolution; "
        "they count as reopened, and the time is not used"
    ]


def _status_of(value: str, column: StateColumn) -> Status | None:
    key = _key_of(value)
    if key in map(_key_of, column.open):
        return Status.OPEN
    if key in map(_key_of, column.resolved):
        return Status.RESOLVED
    if column.open and not column.resolved:
        return None if key == "" else Status.RESOLVED
    return status_of(value)


def _key_of(value: str) -> str:
    return "" if is_missing(value) else state_key(value) or value.strip()

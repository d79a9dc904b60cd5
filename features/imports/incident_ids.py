"""The ids of incidents: those of the export, or made of what was known at opening."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256

from features.domain.history import Provenance
from features.imports.audit_trail import Records
from features.imports.column_mapping import HistoryMapping
from features.imports.leakage import is_late_name
from features.imports.mapping_inference import is_caller
from features.text.parsing import is_missing

_DIGEST_LENGTH = 16
# Letters only, because digits might be masked as the number of a card or a phone.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_TEXT_ROLES = frozenset({"title", "description"})
# A service is often corrected while an incident is worked on, so texts make a better id.
_STEADY_ROLES = frozenset({"opened_at", "source"}) | _TEXT_ROLES


def incident_ids(mapping: HistoryMapping, records: Records) -> tuple[list[str], list[str]]:
    """Return the id of each incident, and a warning if ids are made of the report's content.

    Such an id is a hash of the columns known at opening, never of outcome or state. So the same
    row gets the same id in another export, also after the incident was resolved. Equal rows get
    `-2`, `-3` and so on, in the order of the file.
    """
    column = mapping.report.id.column if mapping.report.id else None
    if column is None and mapping.events is not None:
        column = mapping.events.group_by
    given = records.opening[column] if column else [""] * len(records.lines)
    without = [row for row, value in enumerate(given) if is_missing(value)]
    if not without:
        return list(given), []
    ids, columns, repeats = list(given), list(_opening_columns(mapping)), Counter[str]()
    for row in without:
        base = _hashed([records.opening[name][row] for name in columns])
        repeats[base] += 1
        ids[row] = base if repeats[base] == 1 else f"{base}-{repeats[base]}"
    problem = (
        f"{column}: {len(without)} rows have no id; their ids are"
        if column
        else "no column of ids is known; ids are"
    )
    again = sum(repeats.values()) - len(repeats)
    return ids, [
        f"{problem} made of {', '.join(columns)}, so an incident in which one of these changes "
        "becomes a new one" + (f"; {again} rows are equal to an earlier one in these" * bool(again))
    ]


def _opening_columns(mapping: HistoryMapping) -> Iterator[str]:
    """Yield the columns of the report whose values do not change once the incident is open."""
    report = dict(mapping.report.role_columns())
    has_text = bool(_TEXT_ROLES & report.keys())
    outcomes = {column for _, column in mapping.outcome.role_columns()}
    for role, column in mapping.report.role_columns():
        is_steady = not has_text or role in _STEADY_ROLES or is_caller(column)
        is_edited = mapping.columns_known.get(column) is Provenance.EDITED
        if is_steady and not is_edited and column not in outcomes and not is_late_name(column):
            yield column


def _hashed(values: Sequence[str]) -> str:
    content = "\x1f".join(" ".join(value.split()) for value in values)
    digest = sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"row-{digest.translate(_LETTERS)}"

"""Reads JSON: one record on each line, an array of records, or an answer that holds such a list."""

import json
import re
from collections.abc import Iterator, Sequence
from sys import intern

from features.domain.history import RejectedRow
from features.imports.tables.json_values import columns_of
from features.imports.tables.table import Table
from features.imports.tables.text_source import TextSource

# Keys below which services put their records; a plural `s` and capitals do not matter.
_LIST_KEYS = (
    *("result", "record", "issue", "incident", "ticket", "data"),
    *("alert", "request", "bug", "item", "row", "value", "node", "hit"),
    *("entrie", "object", "case", "task", "workitem"),
)
# An object with one of these keys is a record itself, even if it holds a list of objects too.
_RECORD_KEYS = frozenset(
    {"id", "key", "number", "title", "subject", "summary", "short_description", "description"}
)
_ID_KEYS = frozenset({"id", "key", "number", "ref"})
# Objects with these keys are single values, as of a record in which each value is an object.
_REFERENCE_KEYS = frozenset(
    {"id", "key", "name", "value", "display_value", "link", "self", "href", "url", "type", "label"}
)
_MAX_DEPTH = 4
# Objects that stand below ids are records if there are two or more that share two keys.
_FEWEST_NAMED = 2
_FEWEST_SHARED = 2
_BETWEEN = re.compile(r"[\s,]*")
_BEGINNING = 1_048_576
_NOT_A_RECORD = "is not a JSON object"


def read_json(source: TextSource) -> Table:
    """Read a file that holds one JSON value; one with a record on each line is read as such."""
    try:
        content = json.loads(source.whole())
    except (ValueError, RecursionError):
        return read_json_lines(source)
    return _table_of(list(enumerate(_records_in(content), start=1)), [])


def read_json_lines(source: TextSource) -> Table:
    """Read a file with a JSON value on each line, or with one value on several lines.

    Each value is a record, an array of records, or an object that holds such an array.
    """
    records: list[tuple[int, object]] = []
    rejected: list[RejectedRow] = []
    for number, line in enumerate(_lines(source), start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            rejected.append(RejectedRow(number, "", f"{_NOT_A_RECORD} on one line"))
        else:
            records += ((number, _with_shared_names(record)) for record in _records_in(content))
    if rejected and source.start(_BEGINNING).lstrip()[:1] in ("[", "{"):
        over_lines, damaged = _read_over_lines(source.whole())
        if len(over_lines) > len(records):
            return _table_of(over_lines, damaged)
    return _table_of(records, rejected)


def _lines(source: TextSource) -> Iterator[str]:
    """Yield what newlines separate: a JSON value may hold other ends of lines."""
    line = ""
    for part in source.lines():
        line += part
        if part.endswith("\n"):
            yield line
            line = ""
    yield line


def _with_shared_names(record: object) -> object:
    """Return a record whose names are those of the other records, as strings that are held once."""
    if not isinstance(record, dict):
        return record
    return dict(zip(map(intern, record), record.values(), strict=True))


def _read_over_lines(text: str) -> tuple[list[tuple[int, object]], list[RejectedRow]]:
    """Return the numbered records of values on several lines, also of an array that is cut off."""
    decoder = json.JSONDecoder()
    values: list[object] = []
    content = text.strip().removeprefix("[").rstrip("] \r\n\t") if text.lstrip()[0] == "[" else text
    position = _skip(content, 0)
    damaged: list[RejectedRow] = []
    try:
        while position < len(content):
            value, end = decoder.raw_decode(content, position)
            values += _records_in(value)
            position = _skip(content, end)
    except (ValueError, RecursionError):
        damaged.append(RejectedRow(len(values) + 1, "", "is cut off or is not JSON"))
    return list(enumerate(values, start=1)), damaged


def _skip(text: str, position: int) -> int:
    """Return the position after white space and commas."""
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _table_of(records: Sequence[tuple[int, object]], rejected: list[RejectedRow]) -> Table:
    read: list[dict[str, object]] = []
    lines: list[int] = []
    for line, record in records:
        if isinstance(record, dict) and record:
            read.append(record)
            lines.append(line)
        else:
            rejected.append(RejectedRow(line, "", _NOT_A_RECORD))
    columns, warnings = columns_of(read)
    rejected.sort(key=lambda row: row.line)
    return Table(columns, lines, tuple(rejected), warnings=tuple(warnings))


def _records_in(content: object) -> Sequence[object]:
    """Return the records of a JSON value: of an array, of the list inside an object, or itself."""
    if isinstance(content, list):
        return content
    found = _inner_list(content, 1)
    if found is None and isinstance(content, dict):
        found = _longest_list(content) or _named_records(content)
    return [content] if found is None else found


def _inner_list(content: object, depth: int) -> list[object] | None:
    """Return the list of records inside an object, or the only record, None if it holds none."""
    if not isinstance(content, dict) or depth > _MAX_DEPTH or _RECORD_KEYS & content.keys():
        return None
    for value in _listed_values(content):
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        if isinstance(value, dict) and len(content) == 1 and _RECORD_KEYS & value.keys():
            return [value]
        if (found := _inner_list(value, depth + 1) or _named_records(value)) is not None:
            return found
    return None


def _longest_list(content: dict[str, object]) -> list[object] | None:
    """Return the longest list of objects, whatever its key is; None if there is none."""
    lists = [value for value in content.values() if isinstance(value, list)]
    filled = [items for items in lists if items and all(isinstance(item, dict) for item in items)]
    return None if _RECORD_KEYS & content.keys() else max(filled, key=len, default=None)


def _named_records(content: object) -> list[object] | None:
    """Return the records of an object that holds each below its id; None for any other object."""
    records = list(content.values()) if isinstance(content, dict) else []
    if len(records) < _FEWEST_NAMED or not isinstance(content, dict):
        return None
    keys = [record.keys() if isinstance(record, dict) else set() for record in records]
    if len(set.intersection(*map(set, keys)) - _REFERENCE_KEYS) < _FEWEST_SHARED:
        return None
    return [
        record if not isinstance(record, dict) or _ID_KEYS & record.keys() else {"id": key} | record
        for key, record in content.items()
    ]


def _listed_values(content: dict[str, object]) -> Iterator[object]:
    plain_keys = {key.lower().removesuffix("s"): key for key in content}
    yield from (content[plain_keys[key]] for key in _LIST_KEYS if key in plain_keys)

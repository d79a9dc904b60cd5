"""Turns JSON records into columns of strings: nested objects become dotted columns."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

Record = Mapping[str, object]

_MAX_DEPTH = 8
# By these keys, an object of a list is shown as one word or sentence. Services use one or another.
_NAME_KEYS = ("name", "displayName", "display_name", "display_value", "summary", "label", "title")
_ONE_VALUE_KEYS = ("value", "login", "key", "id")
_ADDRESS_KEYS = frozenset({"link", "value"})
_SHOWN_KEYS = frozenset({"display_value", "value", "link"})
_TIME = re.compile(r"(?!1970-01-)\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?")
_MILLISECONDS = re.compile(r"\d{12,13}")
_CLOCK = re.compile(r"\d:\d\d")


def columns_of(records: Sequence[Record]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the records as columns of strings, and warnings.

    A nested object becomes columns with dotted names, a list of single values is joined by commas,
    a list of `{id, value}` becomes a column for each id. Of `{display_value, value}`, as ServiceNow
    writes it, the displayed text is taken, but of times the value, which is in UTC. Of
    `{link, value}` the value is taken, and a warning says that the column holds ids.

    >>> columns_of([{"key": "A-1", "fields": {"labels": ["vpn", "mail"], "status": None}}])[0]
    {'key': ['A-1'], 'fields.labels': ['vpn, mail'], 'fields.status': ['']}
    """
    references = Counter[str]()
    rows = [_flatten(record, references) for record in records]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    # What is an object in some records is null in others, which is no column of its own.
    parents = {name[:place] for name in names for place, char in enumerate(name) if char == "."}
    columns = {
        name: values for name, values in columns.items() if name not in parents or any(values)
    }
    return columns, [
        f"{name} holds references (ids and links) in {count:,} rows; export display values to "
        "learn names instead of ids"
        for name, count in references.items()
    ]


def text_of(value: object) -> str:
    """Return a value as text: strings as they are, other values as JSON writes them.

    >>> text_of("7"), text_of(7), text_of(None), text_of(True)
    ('7', '7', '', 'true')
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _flatten(record: Record, references: Counter[str]) -> dict[str, str]:
    row: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, str):
            row[name] = value
        elif isinstance(value, dict | list):
            for path, text in _nested(name, value, references, 1):
                row[path] = text if path not in row else row[path] or text
        else:
            row[name] = text_of(value)
    return row


def _nested(
    path: str, value: object, references: Counter[str], depth: int
) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        if (text := _single_text(path, value, references)) is not None:
            yield path, text
        elif depth == _MAX_DEPTH:
            yield path, text_of(value)
        else:
            for key, child in value.items():
                yield from _nested(f"{path}.{key}", child, references, depth + 1)
    elif isinstance(value, list) and _is_list_of_custom_fields(value):
        for item in value:
            yield from _nested(f"{path}.{item['id']}", item["value"], references, depth + 1)
    elif isinstance(value, list):
        yield path, _list_text(value)
    else:
        yield path, "" if value == {} else text_of(value)


def _single_text(path: str, value: Mapping[str, object], references: Counter[str]) -> str | None:
    """Return the text of an object that stands for one value, None for any other object."""
    if value.get("type") == "doc" and isinstance(value.get("content"), list):
        return _document_text(value).strip()
    if value.keys() == _ADDRESS_KEYS:
        references[path] += 1
        return text_of(value["value"])
    if "display_value" in value and value.keys() <= _SHOWN_KEYS:
        shown, stored = text_of(value["display_value"]), text_of(value.get("value"))
        return stored if not shown.strip() or _is_time(shown, stored) else shown
    return None


def _is_time(shown: str, stored: str) -> bool:
    if _TIME.fullmatch(stored):
        return True
    return _MILLISECONDS.fullmatch(stored) is not None and _CLOCK.search(shown) is not None


def _is_list_of_custom_fields(values: Sequence[object]) -> bool:
    ids = [
        text_of(value["id"])
        for value in values
        if isinstance(value, dict) and {"id", "value"} <= value.keys() <= {"id", "name", "value"}
    ]
    return 0 < len(ids) == len(values) == len(set(ids))


def _list_text(values: Sequence[object]) -> str:
    if not any(isinstance(value, dict | list) for value in values):
        return ", ".join(text for value in values if (text := text_of(value)))
    for key in (*_NAME_KEYS, *_ONE_VALUE_KEYS):
        names = [value.get(key) for value in values if isinstance(value, dict)]
        if len(names) == len(values) and all(isinstance(name, str | int) for name in names):
            return ", ".join(map(text_of, names))
    return text_of(values)


def _document_text(node: object) -> str:
    """Return the text of a document in the Atlassian Document Format, a line for each block."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return text_of(node.get("text"))
    if node.get("type") == "hardBreak":
        return "\n"
    content = node.get("content")
    parts = [_document_text(child) for child in content] if isinstance(content, list) else []
    attributes = node.get("attrs")
    shown = attributes.get("text") if isinstance(attributes, dict) else None
    text = "".join(parts) or text_of(shown)
    is_block = node.get("type") in ("paragraph", "heading", "codeBlock", "listItem", "tableRow")
    return f"{text.rstrip()}\n" if is_block else text

"""Reads XML: each child of the root is a record, as in the exports of ServiceNow and trackers."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from features.domain.history import RejectedRow
from features.errors import UnreadableFile
from features.imports.tables.json_values import columns_of
from features.imports.tables.table import Table
from features.imports.tables.text_encoding import open_text

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DECLARED = re.compile(rb"\A\s*<\?xml[^>]*encoding=[\"']([\w-]+)")
_SHOWN = "display_value"


def read_xml(content: bytes, path: Path) -> Table:
    """Read the records below the root, or below its only child (as in `<rss><channel>`).

    The text of an element is its `display_value` if it has one; without a text it is its `name`. A
    record without elements has its attributes as columns. Declarations of entities are refused.
    """
    encoding = "utf-8"
    warnings: tuple[str, ...] = ()
    if match := _DECLARED.match(content):
        encoding = match[1].decode().lower()
    try:
        root = fromstring(content)
    except DefusedXmlException as error:
        raise UnreadableFile(
            f"{path}: the file declares entities, which may be an attack; remove its DOCTYPE"
        ) from error
    except (ParseError, ValueError, LookupError):
        root, encoding, warnings = _read_decoded(content, path)
    elements = list(root)
    while len(elements) == 1 and any(len(child) for child in elements[0]):
        elements = list(elements[0])
    records = [dict(_fields(element)) or dict(element.attrib) for element in elements]
    numbers = [number for number, record in enumerate(records, start=1) if record]
    rejected = [
        RejectedRow(number, "", "holds no elements")
        for number, record in enumerate(records, start=1)
        if not record
    ]
    columns, found = columns_of([record for record in records if record])
    return Table(columns, numbers, tuple(rejected), warnings=(*warnings, *found), encoding=encoding)


def _read_decoded(content: bytes, path: Path) -> tuple[Element, str, tuple[str, ...]]:
    """Return the root of a file that is not in the encoding that it declares."""
    source = open_text(lambda: BytesIO(content), path)
    try:
        return fromstring(_DECLARATION.sub("", source.whole())), source.encoding, source.warnings
    except (ParseError, ValueError) as error:
        raise UnreadableFile(f"{path}: the file is not XML, or is damaged: {error}") from error


def _fields(element: Element) -> Iterator[tuple[str, object]]:
    grouped: dict[str, list[object]] = {}
    for child in element:
        grouped.setdefault(_name(child), []).append(_value(child))
    for name, values in grouped.items():
        yield name, values[0] if len(values) == 1 else values


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: Element) -> object:
    if len(element):
        return dict(_fields(element))
    text = (element.text or "").strip()
    if (shown := element.get(_SHOWN)) is not None:
        return {_SHOWN: shown, "value": text}
    # As Redmine writes references: <priority id="2" name="High"/>.
    return text or element.get("name", "")

"""Writes the mapping of an inspected export as commented YAML, to be edited."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel

from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping, MappedColumn, ReportColumns
from features.imports.inspection import InspectedColumn, Inspection

_HEAD = """\
# What the columns of {file} mean. A line without `#` is in use; edit it where it is wrong.
# Behind each column stand some of its values. docs/your-history.md explains every entry.
"""
_SECTIONS = {
    "report": "what was known when the incident opened",
    "outcome": "what was learned later: labels, never features",
}


def write_mapping(inspection: Inspection, export: Path, file: Path) -> None:
    """Write a mapping that loads again; raises `BadMapping` if the file exists or is unwritable."""
    text = "\n".join(_lines(inspection, export.name)) + "\n"
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise BadMapping(f"{file} exists already; give --write-mapping a new file") from error
    except OSError as error:
        raise BadMapping(f"{file} cannot be written: {error.strerror or error}") from error


def _lines(inspection: Inspection, file: str) -> Iterator[str]:
    yield _HEAD.format(file=file)
    if inspection.mapping is None:
        yield "# No column was recognised. Name at least one column of the report, such as title."
        yield "report:"
        yield from (f"  # {role}:" for role in ReportColumns.model_fields)
    else:
        yield from _section("report", inspection.mapping.report, inspection)
        yield from _section("outcome", inspection.mapping.outcome, inspection)
        yield from _other_entries(inspection.mapping)
    if inspection.unused:
        yield ""
        yield "# Columns that are not used:"
        yield from (f"#   {_yaml(one.header)}{_comment(one)}" for one in inspection.unused)


def _section(name: str, section: BaseModel, inspection: Inspection) -> Iterator[str]:
    """Yield the lines of a section; roles without a column, and an empty section, as comments."""
    columns = {column.header: column for column in inspection.columns}
    roles = {role: getattr(section, role) for role in type(section).model_fields}
    yield f"{'' if any(roles.values()) else '# '}{name}:   # {_SECTIONS[name]}"
    for role, value in roles.items():
        if isinstance(value, MappedColumn):
            yield f"  {role}: {_entry(role, value, inspection)}{_comment(columns[value.column])}"
        elif isinstance(value, tuple) and value:
            yield f"  {role}:"
            for item in value:
                header = item.column if isinstance(item, MappedColumn) else item
                text = _yaml(item) if item is header else _entry(role, item, inspection)
                yield f"    - {text}{_comment(columns[header])}"
        elif value:
            yield f"  {role}: {_yaml(section.model_dump(mode='json')[role])}"
        else:
            yield f"  # {role}:"


def _entry(role: str, column: MappedColumn, inspection: Inspection) -> str:
    """Return the YAML of a column, with the order of severities as it was understood."""
    content = column.model_dump(mode="json", exclude_defaults=True)
    if role == "severity" and inspection.history.severity_levels:
        content["order"] = list(inspection.history.severity_levels)
    return _yaml(content["column"] if content.keys() == {"column"} else content)


def _other_entries(mapping: HistoryMapping) -> Iterator[str]:
    content = mapping.model_dump(mode="json", exclude_defaults=True)
    for name in HistoryMapping.model_fields:
        if name not in _SECTIONS and content.get(name):
            yield f"{name}: {_yaml(content[name])}"


def _comment(column: InspectedColumn) -> str:
    return f"   # {' | '.join(column.values) or 'empty'}"


def _yaml(value: object) -> str:
    """Return a value as YAML on one line."""
    # Only double quotes keep a line break in a column's name on one line.
    style = '"' if "\n" in str(value) or "\\n" in repr(value) else None
    text = yaml.safe_dump(
        value, default_flow_style=True, default_style=style, allow_unicode=True, width=10**6
    )
    return text.strip().removesuffix("...").strip()

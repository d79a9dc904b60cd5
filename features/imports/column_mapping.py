"""The mapping: which column of an export plays which role."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from features.domain.history import Provenance
from features.errors import BadMapping
from features.imports.yaml_files import read_yaml


class _MappingSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class MappedColumn(_MappingSection):
    """A column by its name in the export; in YAML the name alone will do."""

    column: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: object) -> object:
        return {"column": given} if isinstance(given, str | int | float) else given


class DateColumn(MappedColumn):
    """A column of times, read by `format` (as in `strptime`) or else detected."""

    format: str | None = None


class LabelColumn(MappedColumn):
    """A column of labels; in an audit trail the `first` or the `last` known value counts."""

    value: Literal["first", "last"] = "last"


class SeverityColumn(LabelColumn):
    """A column of ordered labels, least severe first; without `order` it is inferred."""

    order: tuple[str, ...] = ()


class SplitColumn(MappedColumn):
    """The column whose groups evaluation keeps apart, or the part of it that ends `before`."""

    before: str | None = Field(default=None, min_length=1)

    def group_of(self, value: str) -> str:
        """Return the group that a value of the column belongs to.

        >>> SplitColumn(column="src", before="/").group_of("acme/alerts:rules.yaml")
        'acme'
        """
        return value.split(self.before, 1)[0] if self.before else value


class EventColumns(_MappingSection):
    """For an audit trail: the column that names the incident, and the one that orders events."""

    group_by: str
    order_by: str


class ReportColumns(_MappingSection):
    """The columns known when an incident opens."""

    id: MappedColumn | None = None
    opened_at: DateColumn | None = None
    title: MappedColumn | None = None
    description: MappedColumn | None = None
    service: MappedColumn | None = None
    source: MappedColumn | None = None
    attributes: tuple[str, ...] = ()

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield each role with its column, attributes included."""
        yield from _single_columns(self)
        yield from (("attributes", column) for column in self.attributes)


class OutcomeColumns(_MappingSection):
    """The columns learned later."""

    category: LabelColumn | None = None
    assignment: LabelColumn | None = None
    severity: SeverityColumn | None = None
    impact: SeverityColumn | None = None
    urgency: SeverityColumn | None = None
    priority_matrix: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    resolution: LabelColumn | None = None
    runbook_id: LabelColumn | None = None
    resolved_at: DateColumn | None = None
    duplicate_of: LabelColumn | None = None
    fields: tuple[LabelColumn, ...] = ()

    @model_validator(mode="after")
    def _check_priority(self) -> Self:
        if self.priority_matrix and not (self.impact and self.urgency):
            raise ValueError("priority_matrix needs the columns of `impact` and `urgency`")
        for label in self.fields:
            if label.column in self.parts():
                raise ValueError(f"fields names {label.column!r}, which is a part of priority too")
        return self

    def parts(self) -> dict[str, SeverityColumn]:
        """Return the columns of impact and urgency that are mapped, by those names."""
        named = {"impact": self.impact, "urgency": self.urgency}
        return {name: column for name, column in named.items() if column is not None}

    def choices(self) -> dict[str, LabelColumn]:
        """Return the columns of the targets that are learned from past labels, by target."""
        named = {name: getattr(self, name) for name in ("category", "assignment", "severity")}
        fields = self.parts() | {label.column: label for label in self.fields}
        return {name: label for name, label in named.items() if label is not None} | {
            f"fields.{name}": label for name, label in fields.items()
        }

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield each role with its column, further fields included."""
        yield from _single_columns(self)
        yield from (("fields", label.column) for label in self.fields)


def _single_columns(section: _MappingSection) -> Iterator[tuple[str, str]]:
    for role in type(section).model_fields:
        mapped = getattr(section, role)
        if isinstance(mapped, MappedColumn):
            yield role, mapped.column


class HistoryMapping(_MappingSection):
    """What each column of an export means.

    >>> mapping = HistoryMapping.model_validate(
    ...     {"report": {"title": "short_description"}, "outcome": {"category": "u_group"}}
    ... )
    >>> mapping.report.title.column, mapping.outcome.category.value
    ('short_description', 'last')
    """

    report: ReportColumns
    outcome: OutcomeColumns = OutcomeColumns()
    events: EventColumns | None = None
    split_by: SplitColumn | None = None
    columns_known: Mapping[str, Provenance] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        mapped = [column for _, column in self.report.named()]
        if not mapped:
            raise ValueError("report names no column: map at least one, such as title")
        for column in self.columns_known:
            if column not in mapped:
                raise ValueError(
                    f"columns_known names {column!r}, which is no column of the report"
                    f"{suggest_name(column, mapped)}"
                )
        return self

    def columns(self) -> tuple[str, ...]:
        """Return every column that the mapping names, each once."""
        events = (self.events.group_by, self.events.order_by) if self.events else ()
        split = (self.split_by.column,) if self.split_by else ()
        named = (column for _, column in (*self.report.named(), *self.outcome.named()))
        return tuple(dict.fromkeys((*named, *events, *split)))

    def without_report_columns(self, columns: Container[str]) -> Self:
        """Return the mapping without the given columns of the report."""
        dropped: dict[str, object] = {
            role: None for role, column in self.report.named() if column in columns
        }
        kept = tuple(column for column in self.report.attributes if column not in columns)
        report = self.report.model_copy(update=dropped | {"attributes": kept})
        return self.model_copy(update={"report": report})

    def check_against(self, columns: Sequence[str], file: str) -> None:
        """Raise `BadMapping` when the file lacks a column that the mapping names."""
        for column in self.columns():
            if column not in columns:
                closest = get_close_matches(column, columns, n=3, cutoff=0.4)
                listed = list(dict.fromkeys((*closest, *columns)))
                more = f" and {len(listed) - 20} more" if len(listed) > 20 else ""
                raise BadMapping(
                    f"the mapping names the column {column!r}, which {file} lacks"
                    f"{suggest_name(column, columns)}; it has: {', '.join(listed[:20])}{more}"
                )


def suggest_name(name: str, known: Iterable[str]) -> str:
    """Return a half sentence that suggests the closest known name, empty when none is close.

    >>> suggest_name("titel", ["title", "description"])
    "; did you mean 'title'?"
    """
    closest = get_close_matches(name, list(known), n=1)
    return f"; did you mean {closest[0]!r}?" if closest else ""


def load_mapping(path: Path) -> HistoryMapping:
    """Read a mapping in YAML; raises `BadMapping` with the one line to mend."""
    given = read_yaml(path, "the mapping", BadMapping)
    try:
        return HistoryMapping.model_validate(given)
    except ValidationError as error:
        raise BadMapping(f"{path}: {_explain(error.errors()[0])}") from error


def _explain(error: ErrorDetails) -> str:
    place = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        valid = _valid_keys(place[:-1])
        where = f" under {'.'.join(place[:-1])}" if place[:-1] else ""
        hint = suggest_name(place[-1], valid) or f"; valid are {', '.join(valid)}"
        return f"unknown key {place[-1]!r}{where}{hint}"
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"{'.'.join(place) or 'the mapping'} must be a section of `key: column` lines"
    message = error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place)}: {message}" if place else message


def _valid_keys(place: Sequence[str]) -> list[str]:
    section: type[BaseModel] = HistoryMapping
    for part in place:
        field = None if part.isdigit() else section.model_fields.get(part)
        section = _SECTIONS.get(part, MappedColumn) if field else section
    return list(section.model_fields)


_SECTIONS: dict[str, type[BaseModel]] = {
    "report": ReportColumns,
    "outcome": OutcomeColumns,
    "events": EventColumns,
    "split_by": SplitColumn,
    "opened_at": DateColumn,
    "resolved_at": DateColumn,
    "severity": SeverityColumn,
    "impact": SeverityColumn,
    "urgency": SeverityColumn,
    "category": LabelColumn,
    "assignment": LabelColumn,
    "resolution": LabelColumn,
    "runbook_id": LabelColumn,
    "duplicate_of": LabelColumn,
    "fields": LabelColumn,
}

"""The mapping: which column of an export has which role."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from features.domain.history import Provenance
from features.domain.label_renames import current_label
from features.errors import BadMapping
from features.imports.yaml_files import read_yaml


class _MappingSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class MappedColumn(_MappingSection):
    """A column, by its name in the export; in YAML the name alone is enough."""

    column: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str | int | float) else value


class DateColumn(MappedColumn):
    """A column of times; without `format` (as in `strptime`) the format is detected."""

    format: str | None = None


class LabelColumn(MappedColumn):
    """A column of labels; in an audit trail its `first` or its `last` known value is used."""

    value: Literal["first", "last"] = "last"


class SeverityColumn(LabelColumn):
    """A column of ordered labels; without `order` (least severe first) the order is inferred."""

    order: tuple[str, ...] = ()


class StateColumn(MappedColumn):
    """The column that says whether an incident is open or resolved.

    If `open` alone is given, every other state means resolved. The meaning of states in neither
    list is taken from their words. The empty string stands for a missing value.
    """

    open: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


class TargetTimeColumn(MappedColumn):
    """The column that says whether the target time was met; `negated` if it says it was missed."""

    negated: bool = False


class ReassignedColumn(MappedColumn):
    """The column that says whether an incident was reassigned, or how often.

    With `changes`, the column names who an incident is assigned to, and the events of an audit
    trail tell whether this changed.
    """

    changes: bool = False


class CommentColumns(_MappingSection):
    """Columns of comments: the last one by who resolved the incident tells how.

    `resolvers` are the columns that name this person, such as the assignee.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    resolvers: tuple[str, ...] = Field(min_length=1)


class SplitColumn(MappedColumn):
    """The column of the groups that evaluation keeps apart.

    With `before`, the group is the part of a value in front of the first such mark.
    """

    before: str | None = Field(default=None, min_length=1)

    def group_of(self, value: str) -> str:
        """Return the group that a value of the column belongs to.

        >>> SplitColumn(column="src", before="/").group_of("acme/alerts:rules.yaml")
        'acme'
        """
        return value.split(self.before, 1)[0] if self.before else value


class EventColumns(_MappingSection):
    """For an audit trail: the column that names the incident, and the column that orders events."""

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

    def role_columns(self) -> Iterator[tuple[str, str]]:
        """Yield each role with its column, attributes included."""
        yield from _single_columns(self)
        yield from (("attributes", column) for column in self.attributes)


class OutcomeColumns(_MappingSection):
    """The columns whose values are learned after opening."""

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
    sla_met: TargetTimeColumn | None = None
    reassigned: ReassignedColumn | None = None
    state: StateColumn | None = None
    comments: CommentColumns | None = None
    fields: tuple[LabelColumn, ...] = ()

    @model_validator(mode="after")
    def _check_priority(self) -> Self:
        if self.priority_matrix and not (self.impact and self.urgency):
            raise ValueError("priority_matrix needs the columns of `impact` and `urgency`")
        for label in self.fields:
            if label.column in self.parts():
                raise ValueError(
                    f"fields names {label.column!r}, which is also mapped as impact or urgency"
                )
        return self

    def parts(self) -> dict[str, SeverityColumn]:
        """Return the mapped columns of impact and urgency, the two parts of priority, by name."""
        columns = {"impact": self.impact, "urgency": self.urgency}
        return {name: column for name, column in columns.items() if column is not None}

    def choices(self) -> dict[str, LabelColumn]:
        """Return the columns of category, assignment, severity and all fields, by target."""
        columns = {name: getattr(self, name) for name in ("category", "assignment", "severity")}
        fields = self.parts() | {label.column: label for label in self.fields}
        return {name: column for name, column in columns.items() if column is not None} | {
            f"fields.{name}": column for name, column in fields.items()
        }

    def role_columns(self) -> Iterator[tuple[str, str]]:
        """Yield each role with its column, `fields` and `comments` included."""
        yield from _single_columns(self)
        if self.comments is not None:
            yield from (("comments", column) for column in self.comments.columns)
            yield from (("resolvers", column) for column in self.comments.resolvers)
        yield from (("fields", label.column) for label in self.fields)


def _single_columns(section: _MappingSection) -> Iterator[tuple[str, str]]:
    for role in type(section).model_fields:
        mapped = getattr(section, role)
        if isinstance(mapped, MappedColumn):
            yield role, mapped.column


class HistoryMapping(_MappingSection):
    """What each column of an export means.

    Times without an offset belong to `time_zone`, an IANA name, by default UTC.

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
    time_zone: str | None = None
    columns_known: Mapping[str, Provenance] = Field(default_factory=dict)
    renamed: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        report_columns = [column for _, column in self.report.role_columns()]
        if not report_columns:
            raise ValueError("report names no column: map at least one, such as title")
        for column in self.columns_known:
            if column not in report_columns:
                raise ValueError(
                    f"columns_known names {column!r}, which is not a column of the report"
                    f"{suggest_name(column, report_columns)}"
                )
        return self

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(
                f"{name!r} is not the name of a time zone, such as Europe/Berlin"
                f"{suggest_name(name, available_timezones())}"
            )
        return name

    @model_validator(mode="after")
    def _check_renames(self) -> Self:
        targets = list(self.outcome.choices())
        for target, names in self.renamed.items():
            if target not in targets:
                raise ValueError(
                    f"renamed names {target!r}, which is not a mapped column of labels"
                    f"{suggest_name(target, targets)}"
                )
            for old in names:
                current_label(self.renamed, target, old)
        return self

    def columns(self) -> tuple[str, ...]:
        """Return every column that the mapping names, each once."""
        events = (self.events.group_by, self.events.order_by) if self.events else ()
        split = (self.split_by.column,) if self.split_by else ()
        roles = (*self.report.role_columns(), *self.outcome.role_columns())
        return tuple(dict.fromkeys((*(column for _, column in roles), *events, *split)))

    def without_report_columns(self, columns: Container[str]) -> Self:
        """Return the mapping without the given columns of the report."""
        dropped: dict[str, object] = {
            role: None for role, column in self.report.role_columns() if column in columns
        }
        attributes = tuple(column for column in self.report.attributes if column not in columns)
        report = self.report.model_copy(update=dropped | {"attributes": attributes})
        return self.model_copy(update={"report": report})

    def check_against(self, columns: Sequence[str], file: str) -> None:
        """Raise `BadMapping` if the mapping names a column that the file does not have."""
        for column in self.columns():
            if column not in columns:
                close_names = get_close_matches(column, columns, n=3, cutoff=0.4)
                names = list(dict.fromkeys((*close_names, *columns)))
                more = f" and {len(names) - 20} more" if len(names) > 20 else ""
                raise BadMapping(
                    f"the mapping names the column {column!r}, which {file} does not have"
                    f"{suggest_name(column, columns)}; it has: {', '.join(names[:20])}{more}"
                )


def suggest_name(name: str, names: Iterable[str]) -> str:
    """Return a question that suggests the closest of the names, empty if none is close.

    >>> suggest_name("titel", ["title", "description"])
    "; did you mean 'title'?"
    """
    close_names = get_close_matches(name, list(names), n=1)
    return f"; did you mean {close_names[0]!r}?" if close_names else ""


def load_mapping(path: Path) -> HistoryMapping:
    """Read a mapping from YAML; raises `BadMapping`, whose message names the first mistake."""
    content = read_yaml(path, "the mapping", BadMapping)
    try:
        return HistoryMapping.model_validate(content)
    except ValidationError as error:
        raise BadMapping(f"{path}: {_explain(error.errors()[0])}") from error


def _explain(error: ErrorDetails) -> str:
    keys = [str(key) for key in error["loc"]]
    if error["type"] == "extra_forbidden":
        valid_keys = _valid_keys(keys[:-1])
        section = f" under {'.'.join(keys[:-1])}" if keys[:-1] else ""
        hint = suggest_name(keys[-1], valid_keys) or f"; valid keys: {', '.join(valid_keys)}"
        return f"unknown key {keys[-1]!r}{section}{hint}"
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"{'.'.join(keys) or 'the mapping'} must be a section of `key: column` lines"
    message = error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(keys)}: {message}" if keys else message


def _valid_keys(keys: Sequence[str]) -> list[str]:
    """Return the keys that are allowed in the section below `keys`."""
    section: type[BaseModel] = HistoryMapping
    for key in keys:
        field = None if key.isdigit() else section.model_fields.get(key)
        section = _SECTIONS.get(key, MappedColumn) if field else section
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
    "sla_met": TargetTimeColumn,
    "reassigned": ReassignedColumn,
    "state": StateColumn,
    "comments": CommentColumns,
    "fields": LabelColumn,
}

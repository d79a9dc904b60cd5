"""A mapping says what columns mean; a mistake in it is named in one line."""

from pathlib import Path

import pytest

from features.domain.history import Provenance
from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping, load_mapping
from features.imports.mapping_inference import recognise_headers

DESIGN = """
report:
  id: number
  opened_at: {column: opened_at, format: "%d/%m/%Y %H:%M"}
  title: short_description
  description: description
  service: cmdb_ci
  attributes: [contact_type, location, u_symptom]
outcome:
  category: assignment_group
  severity: {column: priority, order: ["4 - Low", "3 - Moderate", "2 - High", "1 - Critical"]}
  resolution: close_notes
  runbook_id: kb_article
  duplicate_of: parent_incident
  resolved_at: {column: resolved_at, format: "%d/%m/%Y %H:%M"}
  fields: [subcategory, {column: u_team, value: first}]
events: {group_by: number, order_by: sys_mod_count}
split_by: business_unit
columns_known: {u_symptom: opening}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "m.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_key_of_the_contract_is_read(tmp_path: Path) -> None:
    mapping = load_mapping(written(tmp_path, DESIGN))
    assert mapping.report.opened_at is not None
    assert mapping.report.opened_at.format == "%d/%m/%Y %H:%M"
    assert mapping.outcome.severity is not None
    assert mapping.outcome.severity.order[0] == "4 - Low"
    assert [(f.column, f.value) for f in mapping.outcome.fields] == [
        ("subcategory", "last"),
        ("u_team", "first"),
    ]
    assert mapping.split_by is not None
    assert mapping.split_by.group_of("EMEA/sales") == "EMEA/sales"
    assert mapping.columns_known == {"u_symptom": Provenance.OPENING}
    assert mapping.columns()[:2] == ("number", "opened_at")
    assert set(mapping.columns()) >= {"sys_mod_count", "business_unit", "u_team", "location"}


def test_levels_and_columns_may_be_numbers(tmp_path: Path) -> None:
    text = "report: {title: 3}\noutcome: {severity: {column: prio, order: [3, 2, 1]}}"
    mapping = load_mapping(written(tmp_path, text))
    assert mapping.report.title is not None
    assert mapping.report.title.column == "3"
    assert mapping.outcome.severity is not None
    assert mapping.outcome.severity.order == ("3", "2", "1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("report: {titel: x}", "unknown key 'titel' under report; did you mean 'title'?"),
        ("report: {title: x}\noutcomes: {category: c}", "did you mean 'outcome'?"),
        ("report: {opened_at: {column: x, fromat: y}}", "did you mean 'format'?"),
        ("report: {title: x}\noutcome: {severity: {column: c, ordre: []}}", "'order'?"),
        ("report: {title: x}\noutcome: {fields: [{column: c, vlaue: last}]}", "'value'?"),
        ("report: {title: x}\noutcome: {category: {column: c, value: mid}}", "category.value"),
        ("report: {}", "report names no column"),
        ("outcome: {category: c}", "report: Field required"),
        ("report: {title: [a}", "line 1: the mapping is not valid YAML"),
        ("report: title", "report must be a section"),
        ("", "the mapping must be a section"),
        ("report: {title: x}\ncolumns_known: {titel: opening}", "columns_known names 'titel'"),
        ("report: {title: x}\ncolumns_known: {x: later}", "columns_known.x"),
        ("report: {title: x}\nevents: {group_by: x}", "events.order_by"),
        ("report: {title: x}\ntime_zone: Europe/Berlinn", "did you mean 'Europe/Berlin'?"),
        ("report: {title: x}\ntime_zone: ../etc/passwd", "is not the name of a time zone"),
        ("report: {title: x}\noutcome: {comments: {columns: [c]}}", "outcome.comments.resolvers"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadMapping) as raised:
        load_mapping(written(tmp_path, text))
    assert said in str(raised.value)
    assert "m.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_or_binary_mapping_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="No such file"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xd8\xff\x00")
    with pytest.raises(BadMapping, match="not UTF-8"):
        load_mapping(tmp_path / "b.yaml")


def test_a_column_that_the_file_lacks_is_named_with_the_closest() -> None:
    mapping = HistoryMapping.model_validate({"report": {"title": "short_desc"}})
    with pytest.raises(
        BadMapping, match=r"'short_desc'.*did you mean 'short_descr'\?.*short_descr"
    ):
        mapping.check_against(["id", "short_descr"], "export.csv")


def test_our_own_names_are_recognised() -> None:
    report = ("id", "opened_at", "title", "description", "service", "source")
    outcome = ("category", "assignment", "severity", "resolution", "runbook_id")
    mapping = recognise_headers([*report, *outcome, "resolved_at", "duplicate_of", "noise"]).mapping
    assert [(role, column) for role, column in mapping.report.role_columns()] == [
        (r, r) for r in report
    ]
    assert [role for role, column in mapping.outcome.role_columns() if role == column] == [
        *outcome,
        "resolved_at",
        "duplicate_of",
    ]


@pytest.mark.parametrize("style", [str, str.upper, lambda name: name.replace("_", " ").title()])
def test_service_desk_headers_are_recognised(style: "type[str]") -> None:
    names = (
        *("number", "opened_at", "short_description", "description", "cmdb_ci", "contact_type"),
        *("category", "subcategory", "assignment_group", "priority", "severity", "impact"),
        *("urgency", "close_notes", "kb_article", "parent_incident", "resolved_at", "caller_id"),
    )
    mapping = recognise_headers([style(name) for name in names]).mapping
    report, outcome = dict(mapping.report.role_columns()), dict(mapping.outcome.role_columns())
    assert report == {
        "id": style("number"),
        "opened_at": style("opened_at"),
        "title": style("short_description"),
        "description": style("description"),
        "service": style("cmdb_ci"),
        "source": style("contact_type"),
        "attributes": style("caller_id"),
    }
    assert outcome == {
        "category": style("category"),
        "assignment": style("assignment_group"),
        "severity": style("priority"),
        "impact": style("impact"),
        "urgency": style("urgency"),
        "resolution": style("close_notes"),
        "runbook_id": style("kb_article"),
        "duplicate_of": style("parent_incident"),
        "resolved_at": style("resolved_at"),
        "fields": style("subcategory"),
    }


def test_tracker_headers_are_recognised() -> None:
    header = (
        *("Issue key", "Issue id", "Summary", "Description", "Created", "Resolved", "Priority"),
        *("Component/s", "Reporter", "Status", "Resolution", "Project key", "Comment", "Comment.1"),
    )
    mapping = recognise_headers(header).mapping
    assert list(mapping.report.role_columns()) == [
        ("id", "Issue key"),
        ("opened_at", "Created"),
        ("title", "Summary"),
        ("description", "Description"),
        ("attributes", "Reporter"),
        ("attributes", "Project key"),
    ]
    assert dict(mapping.outcome.role_columns()) == {
        "category": "Component/s",
        "severity": "Priority",
        "resolved_at": "Resolved",
        "state": "Status",
        "fields": "Resolution",
    }


def test_an_audit_trail_is_recognised() -> None:
    mapping = recognise_headers(["number", "sys_mod_count", "assignment_group", "category"]).mapping
    assert mapping.events is not None
    assert (mapping.events.group_by, mapping.events.order_by) == ("number", "sys_mod_count")


def test_no_column_plays_two_roles() -> None:
    mapping = recognise_headers(
        ["number", "Number", "short_description", "urgency", "category"]
    ).mapping
    named = [
        column for _, column in (*mapping.report.role_columns(), *mapping.outcome.role_columns())
    ]
    assert len(named) == len(set(named))


def test_unknown_headers_ask_for_a_mapping() -> None:
    with pytest.raises(BadMapping, match="--mapping"):
        recognise_headers(["Document", "Topic_group"])

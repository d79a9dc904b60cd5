"""JSON as service desks and trackers write it."""

import json

import pytest

from features.imports.tables.json_file import read_json, read_json_lines
from features.imports.tables.table import Table
from features.imports.tables.text_source import TextSource

RECORDS = [{"number": f"INC{n}", "short_description": f"case {n}"} for n in range(3)]
IDS = ["INC0", "INC1", "INC2"]
LIST_KEYS = ["result", "records", "issues", "incidents", "tickets", "data", "Ticket"]


def read_value(text: str) -> Table:
    return read_json(TextSource.of(text))


def read_lines(text: str) -> Table:
    return read_json_lines(TextSource.of(text))


def ids_of(table: Table) -> list[str]:
    assert table.rejected == ()
    return list(table.columns["number"])


@pytest.mark.parametrize(
    "content",
    [
        RECORDS,
        *({key: RECORDS} for key in LIST_KEYS),
        {"total": 3, "startAt": 0, "next": None, "issues": RECORDS, "warnings": []},
        {"data": {"issues": {"nodes": RECORDS}}},
        {"count": 3, "value": RECORDS},
        {"response_status": [{"code": 2000}], "entries_of_may": RECORDS},
        {"objects": {f"Incident::{n}": record for n, record in enumerate(RECORDS)}, "code": 0},
        {f"case {n}": record for n, record in enumerate(RECORDS)},
    ],
)
def test_a_list_of_records_is_found(content: object) -> None:
    line = json.dumps(content)
    assert ids_of(read_value(line)) == IDS
    assert ids_of(read_value(json.dumps(content, indent=2))) == IDS
    assert ids_of(read_lines(f"{line}\n")) == IDS
    assert ids_of(read_lines(json.dumps(content, indent=2))) == IDS


def test_records_below_their_ids_keep_them() -> None:
    records = {"INC1": {"title": "a", "opened": "x"}, "INC2": {"title": "b", "opened": "y"}}
    table = read_value(json.dumps(records))
    assert table.columns["id"] == ["INC1", "INC2"]
    assert table.columns["title"] == ["a", "b"]


def test_a_record_whose_values_are_objects_is_one_record() -> None:
    table = read_value(json.dumps({"number": "1", "team": {"id": 1}, "user": {"id": 2}}))
    assert len(table.lines) == 1
    shown = {"display_value": "a", "value": "b"}
    for nested in ({"number": shown, "text": shown}, {"fields": {"a": shown, "b": shown}}):
        assert len(read_value(json.dumps(nested)).lines) == 1
        assert len(read_lines(json.dumps(nested)).lines) == 1
    references = {"id": 1, "name": "x"}
    assert len(read_value(json.dumps({"team": references, "user": references})).lines) == 1


def test_pages_of_records_follow_one_another() -> None:
    pages = [{"result": RECORDS[:2]}, {"result": RECORDS[2:]}]
    table = read_lines("\n".join(map(json.dumps, pages)))
    assert ids_of(table) == IDS
    assert table.lines == [1, 1, 2]
    assert ids_of(read_value("\n".join(json.dumps(page, indent=1) for page in pages))) == IDS


def test_a_file_named_json_may_hold_a_record_on_each_line() -> None:
    assert ids_of(read_value("\n".join(map(json.dumps, RECORDS)))) == IDS


def test_a_record_with_a_list_of_objects_is_one_record() -> None:
    record = {"id": 7, "title": "down", "data": [{"a": 1}, {"a": 2}]}
    assert read_value(json.dumps(record)).columns["id"] == ["7"]
    assert read_lines(json.dumps(record)).columns["data"] == ['[{"a": 1}, {"a": 2}]']


def test_what_is_no_record_is_named_by_its_line() -> None:
    table = read_lines('{"id": 1}\nnonsense\n7\n{}\n')
    assert [(row.line, row.reason) for row in table.rejected] == [
        (2, "is not a JSON object on one line"),
        (3, "is not a JSON object"),
        (4, "is not a JSON object"),
    ]


def test_an_empty_list_has_no_rows() -> None:
    assert read_value('{"result": []}').lines == []


def test_an_array_that_is_cut_off_loses_its_last_record_only() -> None:
    text = json.dumps(RECORDS, indent=1)
    for read in (read_value, read_lines):
        table = read(text[: text.rindex("case")])
        assert list(table.columns["number"]) == IDS[:2]
        assert [(row.line, row.reason) for row in table.rejected] == [
            (3, "is cut off or is not JSON")
        ]
    assert ids_of(read_value(text.removesuffix("\n]") + ",\n]")) == IDS


def test_a_wrapped_record_is_a_record() -> None:
    lines = "\n".join(json.dumps({"ticket": record}) for record in RECORDS)
    assert ids_of(read_lines(lines)) == IDS
    assert ids_of(read_value(json.dumps({"result": RECORDS[0]}))) == IDS[:1]

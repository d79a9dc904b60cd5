"""How an export is understood."""

from pathlib import Path

import pytest

from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping
from features.imports.inspection import Inspection, inspect_export


def inspect(folder: Path, text: str, mapping: dict[str, object] | None = None) -> Inspection:
    file = folder / "export.csv"
    file.write_text(text)
    return inspect_export(file, mapping and HistoryMapping.model_validate(mapping))


def test_what_is_missing_has_a_cost(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, "service,location\nshop,Graz\ncart,Linz\n")
    assert list(inspection.missing) == [
        *("id", "opened_at", "text", "outcome", "resolution", "resolved_at"),
    ]
    complete = "number,opened_at,title,category,close_notes,resolved_at\n"
    rows = "1,2025-11-03,a,Net,fixed,2025-11-04\n2,2025-11-05,b,Net,fixed,2025-11-06\n"
    assert not inspect(tmp_path, complete + rows).missing


def test_a_column_that_is_empty_is_missing(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, "number,opened_at,title,category\n1,,a,Net\n2,,b,\n")
    assert list(inspection.missing) == ["opened_at", "resolution", "resolved_at"]
    assert inspection.open_incidents == 1


def test_a_column_may_have_several_roles(tmp_path: Path) -> None:
    mapping = {"report": {"title": "a", "attributes": ["b"]}, "split_by": "b"}
    inspection = inspect(tmp_path, "a,b,c\nx,1,y\nz,2,y\n", mapping)
    assert [column.roles for column in inspection.columns] == [
        ("title",),
        ("attributes", "split_by"),
        (),
    ]


def test_values_are_distinct_masked_and_short(tmp_path: Path) -> None:
    rows = ["title,notes", f"x,{'y' * 99}", "x,", f"ask bob@example.com,{'y' * 99}", "z,1", "w,2"]
    title, notes = inspect(tmp_path, "\n".join(rows)).columns
    assert title.values == ("x", "ask <email>", "z")
    assert notes.values == ("y" * 60 + "...", "1", "2")


def test_rejected_rows_are_grouped_by_reason(tmp_path: Path) -> None:
    text = "number,title,notes\n1,a,\n,,x\n,,y\n2,b,c,d\n"
    reasons = inspect(tmp_path, text).rejected_by_reason
    assert {reason: [row.line for row in rows] for reason, rows in reasons.items()} == {
        "has neither an id nor a text": [3, 4],
        "has 4 values, but the header names 3 columns": [5],
    }


def test_a_mapping_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="does not have"):
        inspect(tmp_path, "a,b\n1,2\n", {"report": {"title": "c"}})

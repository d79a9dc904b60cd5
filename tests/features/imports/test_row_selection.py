"""Which rows of an export hold an incident."""

from pathlib import Path

from features.domain.history import History
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history


def load(folder: Path, text: str, mapping: dict[str, object] | None = None) -> History:
    file = folder / "export.csv"
    file.write_text(text)
    return load_history(
        file,
        None if mapping is None else HistoryMapping.model_validate(mapping),
        report_folder=folder / "reports",
    )


def ids(history: History) -> list[str]:
    return [incident.report.id for incident in history.incidents]


def test_a_row_for_each_comment_is_left_out_and_named(tmp_path: Path) -> None:
    text = "number,title,description,notes\n1,down,,called\n,,,asked\n2,,slow,\n,,,closed\n"
    history = load(tmp_path, text)
    assert ids(history) == ["1", "2"]
    listed = (tmp_path / "reports" / "rejected-export.csv").read_text().splitlines()
    assert listed[1:] == [f"{line},,has neither an id nor a text" for line in (3, 5)]


def test_a_text_without_an_id_and_an_id_without_a_text_are_kept(tmp_path: Path) -> None:
    history = load(tmp_path, "number,title,notes\n,down,x\n2,,x\n,none,\n")
    assert len(history.incidents) == 3


def test_a_history_without_text_keeps_its_rows(tmp_path: Path) -> None:
    history = load(tmp_path, "number,service,notes\n1,shop,\n,shop,x\n,,x\n")
    assert (len(history.incidents), len(history.rejected)) == (2, 1)


def test_a_row_that_ends_before_the_title_is_rejected(tmp_path: Path) -> None:
    history = load(tmp_path, "number,opened_at,title,group,notes\n1,2025-11-03,a\n2,2025-11-04\n")
    assert ids(history) == ["1"]
    assert [(row.line, row.reason) for row in history.rejected] == [
        (3, "has 2 values, but the header names 5 columns")
    ]
    assert "1 row has fewer values than the header; the missing values count as empty" in (
        history.warnings
    )


def test_a_mapping_says_which_columns_a_row_needs(tmp_path: Path) -> None:
    text = "notes,title,number\nx,a,1\ny,b\n"
    mapping = {"report": {"id": "number", "title": "title"}}
    assert ids(load(tmp_path, text, mapping)) == ["1"]
    assert len(load(tmp_path, text, {"report": {"title": "title"}}).incidents) == 2


def test_rows_with_one_id_complete_one_another(tmp_path: Path) -> None:
    text = "number,title,category,close_notes\n1,vpn,Net,\n2,mail,Mail,x\n1,,,restarted\n1,,?,\n"
    history = load(tmp_path, text)
    assert ids(history) == ["2", "1"]
    report, outcome = history.incidents[1].report, history.incidents[1].outcome
    assert (report.title, outcome.category, outcome.resolution) == ("vpn", "Net", "restarted")
    assert any("2 rows repeat an id" in warning for warning in history.warnings)


def test_a_later_value_replaces_an_earlier_one(tmp_path: Path) -> None:
    history = load(tmp_path, "number,title,category\n1,vpn,Net\n1,vpn again,Mail\n")
    [incident] = history.incidents
    assert (incident.report.title, incident.outcome.category) == ("vpn again", "Mail")

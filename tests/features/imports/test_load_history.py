"""Exports of every format give the same history; a broken file gives one clear error line."""

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from features.domain.history import History, Provenance
from features.errors import BadMapping, UnreadableFile
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history
from features.text.masking import Masking
from features.text.parsing import parse_report

HEADER = "id,opened_at,title,description,category,severity\n"
ROWS = 'INC1,2024-01-01 08:00,VPN down,"since noon,\nsays bob@example.com",Network,high\n'
ROWS += "INC2,2024-01-02 09:00,Printer jam,?,Printing,low\n"
RECORDS = [
    {
        "id": "INC1",
        "opened_at": "2024-01-01 08:00",
        "title": "VPN down",
        "description": "since noon,\nsays bob@example.com",
        "category": "Network",
        "severity": "high",
    },
    {
        "id": "INC2",
        "opened_at": "2024-01-02 09:00",
        "title": "Printer jam",
        "description": "?",
        "category": "Printing",
        "severity": "low",
    },
]


def file_of(folder: Path, name: str, content: bytes | str) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def read(folder: Path, content: str, mapping: dict[str, object] | None = None) -> History:
    file = file_of(folder, "export.csv", content)
    return load_history(file, None if mapping is None else HistoryMapping.model_validate(mapping))


def write_as(folder: Path, name: str) -> Path:
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    match name:
        case "export.parquet":
            parquet.write_table(pa.Table.from_pylist(RECORDS), folder / name)
            return folder / name
        case "utf16.csv":
            return file_of(folder, name, (HEADER + ROWS).encode("utf-16"))
        case "bom.csv":
            return file_of(folder, name, (HEADER + ROWS).encode("utf-8-sig"))
        case "old_mac.csv":
            return file_of(folder, name, (HEADER + ROWS).replace("\n", "\r"))
        case "windows.csv":
            return file_of(folder, name, (HEADER + ROWS).replace("\n", "\r\n"))
        case "tabs.csv":
            return file_of(
                folder,
                name,
                (HEADER + ROWS.replace("noon,", "noon;"))
                .replace(",", "\t")
                .replace("noon;", "noon,"),
            )
        case _:
            text = lines if ".jsonl" in name else HEADER + ROWS
            content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
            return file_of(folder, name, content)


@pytest.mark.parametrize(
    "name",
    [
        *("export.csv", "export.csv.gz", "export.jsonl", "export.jsonl.gz", "export.parquet"),
        *("utf16.csv", "bom.csv", "windows.csv", "old_mac.csv", "tabs.csv"),
    ],
)
def test_every_format_gives_the_same_history(tmp_path: Path, name: str) -> None:
    file = write_as(tmp_path, name)
    history = load_history(file)
    first, second = history.incidents
    assert first.report == parse_report(
        id="INC1",
        masking=Masking(),
        opened_at=datetime(2024, 1, 1, 8, tzinfo=UTC),
        title="VPN down",
        description="since noon,\nsays bob@example.com",
    )
    assert first.report.description == "since noon,\nsays <email>"
    assert second.report.description == "?"
    assert [i.outcome.category for i in history.incidents] == ["Network", "Printing"]
    assert history.severity_levels == ("low", "high")
    assert history.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert not history.rejected


def test_typed_parquet_columns_are_read_as_exports_write_them(tmp_path: Path) -> None:
    columns = {
        "id": pa.array([51, 52]),
        "opened_at": pa.array([datetime(2024, 1, 1, 8), None], pa.timestamp("us")),  # noqa: DTZ001
        "title": pa.array(["a", None]),
        "category": pa.array([True, None]),
        "service": pa.array(["x", "y"]).dictionary_encode(),
        "source": pa.array([["mail", "web"], None]),
        "severity": pa.array([1.0, 2.0]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "e.parquet")
    first, second = load_history(tmp_path / "e.parquet").incidents
    assert (first.report.id, second.report.id) == ("51", "52")
    assert first.report.opened_at == datetime(2024, 1, 1, 8, tzinfo=UTC)
    assert (second.report.title, second.outcome.category) == ("", None)
    assert (first.outcome.severity, first.report.service) == ("1", "x")
    assert first.report.source == "mail, web"


def test_json_values_keep_their_writing(tmp_path: Path) -> None:
    record = {"id": 51, "title": "lone \ud800 surrogate", "category": None, "service": 1.5}
    file = file_of(tmp_path, "e.jsonl", json.dumps(record) + "\n\n" + '{"id": 52, "extra": [1]}\n')
    first, second = load_history(file).incidents
    assert (first.report.id, first.report.title) == ("51", "lone  surrogate")
    assert (first.report.service, first.outcome.category) == ("1.5", None)
    assert (second.report.id, second.report.title) == ("52", "")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("e.csv", b"", "empty"),
        ("e.csv", b"\n  \n", "empty"),
        ("e.csv", HEADER.encode(), "no readable row"),
        ("e.csv", b"PK\x03\x04\x00\x00\x00", "binary"),
        (
            "e.csv",
            gzip.compress(b"id,title\n1,a\n", mtime=0),
            "is a gzip file",
        ),
        ("e.csv", b"\xff\xfea\x00b", "no readable row"),
        ("e.csv.gz", gzip.compress((HEADER + ROWS * 50).encode(), mtime=0)[:-20], "truncated"),
        ("e.csv.gz", b"id,title\n1,a\n", "not a gzip file"),
        ("e.jsonl", b"[\n{\n}\n]\n", "no readable row; line 1: is not a JSON object"),
        ("e.jsonl", b"[" * 100_000, "no readable row"),
        ("e.parquet", b"id,title\n1,a\n", "not a parquet file"),
        ("e.parquet", b"PAR1xxxxPAR1", "not a parquet file"),
        ("e.docx", b"PK", "ends in .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet"),
        ("e.parquet.gz", b"PAR1", "ends in .csv"),
        ("e.xlsx", b"PK", "not an xlsx workbook"),
        ("e.json", b"[1, 2]", "no readable row; line 1: is not a JSON object"),
        ("e.xml", b"<xml><a>", "not XML"),
    ],
)
def test_an_unreadable_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(UnreadableFile) as raised:
        load_history(file_of(tmp_path, name, content))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        load_history(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnreadableFile, match="directory"):
        load_history(tmp_path / "folder.csv")


def test_a_column_that_the_file_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        BadMapping, match=r"'titel', which export.csv does not have; did you mean 'title'"
    ):
        read(tmp_path, HEADER + ROWS, {"report": {"title": "titel"}})


def test_rejected_rows_are_named_in_a_report_file(tmp_path: Path) -> None:
    text = HEADER + ROWS + "short,row\n" + f"{'x' * 600},,t,,,\n" + f"INC9,,{'y' * 200_001},,,\n"
    text += "INC4,,ok,,Network,low,,\n"
    file = file_of(tmp_path, "export.csv", text)
    history = load_history(file, report_folder=tmp_path / "reports")
    assert [i.report.id for i in history.incidents] == ["INC1", "INC2", "INC4"]
    assert [row.line for row in history.rejected] == [5, 6, 7]
    assert history.rejected[0].reason == "has 2 values, but the header names 6 columns"
    assert history.rejected[1].reason.startswith("id: ")
    assert history.rejected[2].reason.startswith("title: ")
    lines = (tmp_path / "reports" / "rejected-export.csv").read_text().splitlines()
    assert lines[0] == "line,id,reason"
    assert len(lines) == 4
    file.write_text(HEADER + ROWS)
    load_history(file, report_folder=tmp_path / "reports")
    assert not list((tmp_path / "reports").iterdir())


def test_rows_that_are_all_rejected_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="every row is rejected; line 2: id"):
        read(tmp_path, f"id,title\n{'x' * 600},a\n")


def test_missing_ids_are_made_and_the_last_of_repeated_ones_counts(tmp_path: Path) -> None:
    history = read(tmp_path, "id,title\nA,old\n,none\nA,new\n?,query\n")
    assert [(i.report.id[:4], i.report.title) for i in history.incidents] == [
        ("row-", "none"),
        ("A", "new"),
        ("row-", "query"),
    ]
    assert any("id: 2 rows have no id" in warning for warning in history.warnings)
    assert any("1 rows repeat an id" in warning for warning in history.warnings)


def test_a_history_without_text_or_outcome_is_fine(tmp_path: Path) -> None:
    history = read(tmp_path, "a,b\nx,1\ny,2\n", {"report": {"attributes": ["a"]}})
    assert [dict(i.report.attributes) for i in history.incidents] == [{"a": "x"}, {"a": "y"}]
    assert history.incidents[0].report.title == ""


def test_repeated_columns_do_no_harm(tmp_path: Path) -> None:
    text = "Issue key,Summary,Comment,Comment,Comment.1\nA-1,down,first,second,third\n"
    mapping = {"report": {"id": "Issue key", "description": "Comment", "attributes": ["Comment.1"]}}
    report = read(tmp_path, text, mapping).incidents[0].report
    assert report.description == "first"
    assert report.attributes == {"Comment.1": "third"}


def test_provenance_is_stated_or_usual(tmp_path: Path) -> None:
    text = "n,at,t,s,Caller ID\n1,2024-01-01,x,y,z\n2,2024-01-02,x,y,w\n"
    mapping = {
        "report": {
            "id": "n",
            "opened_at": "at",
            "title": "t",
            "service": "s",
            "attributes": ["Caller ID"],
        },
        "columns_known": {"t": "edited"},
    }
    assert read(tmp_path, text, mapping).provenance == {
        "n": Provenance.OPENING,
        "at": Provenance.OPENING,
        "t": Provenance.EDITED,
        "s": Provenance.UNKNOWN,
        "Caller ID": Provenance.OPENING,
    }


def test_values_outside_the_order_count_as_missing(tmp_path: Path) -> None:
    text = "title,prio\na,Low\nb,HIGH\nc,page\nd,low\n"
    mapping = {
        "report": {"title": "title"},
        "outcome": {"severity": {"column": "prio", "order": ["low", "high", "critical"]}},
    }
    history = read(tmp_path, text, mapping)
    assert [i.outcome.severity for i in history.incidents] == ["low", "HIGH", None, "low"]
    assert history.severity_levels == ("low", "HIGH", "critical")
    assert any("1 values are not in the order" in warning for warning in history.warnings)


def test_an_unclear_order_leaves_the_labels_and_warns(tmp_path: Path) -> None:
    history = read(tmp_path, "title,severity\na,red\nb,blue\n")
    assert history.severity_levels == ()
    assert [i.outcome.severity for i in history.incidents] == ["red", "blue"]
    assert any("state `order`" in warning for warning in history.warnings)


def test_a_constant_opening_is_not_used(tmp_path: Path) -> None:
    history = read(tmp_path, "title,opened_at\na,2024-01-01\nb,2024-01-01\n")
    assert [i.report.opened_at for i in history.incidents] == [None, None]
    assert any("same in every row" in warning for warning in history.warnings)


def test_masking_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEDENT_MASKING", "none")
    history = read(tmp_path, "title,close_notes,short_description\nbob@x.org,ask bob@x.org,a\n")
    assert history.incidents[0].report.title == "bob@x.org"
    monkeypatch.delenv("PRECEDENT_MASKING")
    history = read(tmp_path, "title,resolution\nbob@x.org,ask bob@x.org\n")
    assert history.incidents[0].report.title == "<email>"
    assert history.incidents[0].outcome.resolution == "ask <email>"


def test_groups_are_the_part_before_a_mark(tmp_path: Path) -> None:
    text = "alert,src\nA,acme/x:1\nB,acme/y:2\nC,umbra/z:3\n"
    mapping = {"report": {"title": "alert"}, "split_by": {"column": "src", "before": "/"}}
    assert read(tmp_path, text, mapping).groups == ("acme", "acme", "umbra")


TRAIL = """number,mod,at,category,group,prio,done
7,10,2024-01-01,net,,2,
7,2,2024-01-01,?,A,3,
7,0,2024-01-01,sw,?,3,
8,1,2024-01-02,hw,B,1,2024-01-05
8,0,2024-01-02,hw,A,1,
?,0,2024-01-02,hw,A,1,
"""


def trail_mapping(value: str) -> dict[str, object]:
    return {
        "report": {"opened_at": "at", "service": "prio"},
        "outcome": {
            "category": {"column": "category", "value": value},
            "assignment": {"column": "group", "value": value},
            "resolved_at": "done",
        },
        "events": {"group_by": "number", "order_by": "mod"},
    }


def test_an_audit_trail_gives_the_opening_report_and_the_last_known_outcome(
    tmp_path: Path,
) -> None:
    history = read(tmp_path, TRAIL, trail_mapping("last"))
    first, second = history.incidents
    assert (first.report.id, first.report.service) == ("7", "3")
    assert (first.outcome.category, first.outcome.assignment) == ("net", "A")
    assert (second.outcome.assignment, second.outcome.resolved_at) == (
        "B",
        datetime(2024, 1, 5, tzinfo=UTC),
    )
    assert history.provenance == {"at": Provenance.OPENING, "prio": Provenance.OPENING}
    assert [row.line for row in history.rejected] == [7]


def test_an_audit_trail_gives_the_first_known_label_on_request(tmp_path: Path) -> None:
    first, second = read(tmp_path, TRAIL, trail_mapping("first")).incidents
    assert (first.outcome.category, first.outcome.assignment) == ("sw", "A")
    assert second.outcome.assignment == "A"


def test_one_event_an_incident_is_no_trail(tmp_path: Path) -> None:
    text = (
        "number,mod,at,category,group,prio,done\n7,0,2024-01-01,sw,A,3,\n8,4,2024-01-02,sw,A,3,\n"
    )
    history = read(tmp_path, text, trail_mapping("last"))
    assert history.provenance["prio"] is Provenance.UNKNOWN
    assert any("flat export" in warning for warning in history.warnings)


def test_events_may_be_ordered_by_time(tmp_path: Path) -> None:
    text = "number,mod,at,category,group,prio,done\n"
    text += "7,2/1/2024 10:00,2024-01-01,b,,2,\n7,13/12/2023,2024-01-01,a,,3,\n"
    history = read(tmp_path, text, trail_mapping("last"))
    assert history.incidents[0].report.service == "3"
    assert history.incidents[0].outcome.category == "b"

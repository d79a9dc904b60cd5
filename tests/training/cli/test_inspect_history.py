"""The command that shows how an export is understood."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.imports.column_mapping import load_mapping
from training.cli.app import app

EXPORT = """Incidents of November;;;;;
Number;Opened;Short description;Assignment group;Priority;Seen by
INC1;2025-11-03 08:15;tills offline, ask bob@example.com;Stores;2 - High;ana@example.com
INC2;2025-11-04 09:15;scales wrong;Stores;4 - Low;ben
INC3;2025-11-05 09:15;door stuck;;;
;;;;;called
Total;;;;;3
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["inspect", *(str(argument) for argument in arguments)])


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "export.csv"
    file.write_text(EXPORT)
    return file


def test_json_says_how_the_export_is_understood(export: Path) -> None:
    result = run("--history", export, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["format"], found["separator"], found["encoding"]) == ("csv", ";", "utf-8")
    assert (found["incidents"], found["open"]) == (3, 1)
    assert [(row["line"], row["reason"]) for row in found["rejected"]] == [
        (6, "has neither an id nor a text"),
        (7, "is a total: 'Total'"),
    ]
    assert found["columns"] == {
        "Number": "id",
        "Opened": "opened_at",
        "Short description": "title",
        "Assignment group": "assignment",
        "Priority": "severity",
    }
    assert found["unused"] == ["Seen by"]
    assert found["column_details"]["Seen by"] == {
        "roles": [],
        "told": None,
        "values": ["<email>", "ben", "called"],
    }
    assert found["column_details"]["Number"]["told"] == "header"
    assert set(found["missing"]) == {"resolution", "resolved_at"}
    assert any("above the header" in warning for warning in found["warnings"])
    first, _, last = found["first"]
    assert first["report"]["opened_at"] == "2025-11-03T08:15:00+00:00"
    assert first["report"]["title"] == "tills offline, ask <email>"
    assert (first["outcome"]["assignment"], first["is_open"]) == ("Stores", False)
    assert (last["report"]["id"], last["is_open"]) == ("INC3", True)


def test_at_most_twenty_incidents_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text("".join(f'{{"id": {n}, "title": "case {n}"}}\n' for n in range(30)))
    found = json.loads(run("--history", file, "--json").stdout)
    assert (found["incidents"], len(found["first"]), found["separator"]) == (30, 20, None)


def test_people_read_the_same(export: Path) -> None:
    text = " ".join(run("--history", export).stdout.split())
    for part in (
        *("format: csv, separator semicolon, encoding utf-8", "not used", "<email> | ben"),
        *("read 3 incidents, rejected 2; 1 still open", "line 6: has neither an id nor a text"),
        *("missing: resolution: similar incidents do not say", "INC3 (open)", "title: door stuck"),
    ):
        assert part in text
    assert "bob@example.com" not in text


def test_nothing_is_stored(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path / "home"))
    run("--history", export)
    assert sorted(tmp_path.iterdir()) == [export]


def test_a_written_mapping_is_understood_in_the_same_way(export: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    recognised = json.loads(run("--history", export, "--write-mapping", mapping, "--json").stdout)
    stated = json.loads(run("--history", export, "--mapping", mapping, "--json").stdout)
    assert stated["first"] == recognised["first"]
    assert stated["columns"] == recognised["columns"]
    assert stated["column_details"]["Number"]["told"] == "mapping"
    severity = load_mapping(mapping).outcome.severity
    assert severity is not None
    assert severity.order == ("4 - Low", "2 - High")


def test_a_mapping_is_never_overwritten(export: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("edited by hand")
    result = run("--history", export, "--write-mapping", mapping)
    assert (result.exit_code, mapping.read_text()) == (2, "edited by hand")
    assert "exists already" in result.stderr


def test_an_export_of_unknown_columns_shows_them(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("alpha,beta\n1,x\n2,y\n")
    mapping = tmp_path / "mapping.yaml"
    result = run("--history", file, "--write-mapping", mapping, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["incidents"], found["columns"], found["unused"]) == (0, {}, ["alpha", "beta"])
    assert "no column with a text or service is recognised" in found["warnings"][0]
    assert "#   alpha   # 1 | 2" in mapping.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --history FILE"),
        (["--history", "none.csv"], "No such file"),
        (["--history", "export.csv", "--mapping", "none.yaml"], "cannot be read"),
        (["--history", "export.csv", "--write-mapping", "none/m.yaml"], "cannot be written"),
        (["--history", "export.doc"], "ends in .csv"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    export: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(export.parent)
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1

"""The commented mapping of an inspected export."""

from pathlib import Path

import pytest

from features.imports.column_mapping import HistoryMapping, load_mapping
from features.imports.inspection import inspect_export
from features.imports.mapping_file import write_mapping

HEADER = '"#",Opened: at,"Short\ndescription",yes,"Field [x], {y}",Priority,"- dash",Other\n'
ROWS = "1,2025-11-03,down,Graz,a,High,Net,# note\n2,2025-11-04,slow,Linz,b,Low,Mail,note\n"
MAPPING = HistoryMapping.model_validate(
    {
        "report": {
            "id": "#",
            "opened_at": {"column": "Opened: at", "format": "%Y-%m-%d"},
            "title": "Short\ndescription",
            "attributes": ["yes"],
        },
        "outcome": {
            "assignment": {"column": "- dash", "value": "first"},
            "severity": "Priority",
            "fields": ["Field [x], {y}"],
        },
        "columns_known": {"yes": "opening"},
        "renamed": {"assignment": {"Mail": "Post"}},
        "split_by": {"column": "yes", "before": "r"},
    }
)


def written(folder: Path, mapping: HistoryMapping | None, text: str = HEADER + ROWS) -> Path:
    export, file = folder / "export.csv", folder / "mapping.yaml"
    export.write_text(text)
    write_mapping(inspect_export(export, mapping), export, file)
    return file


def test_a_written_mapping_is_loaded_as_it_was(tmp_path: Path) -> None:
    loaded = load_mapping(written(tmp_path, MAPPING))
    severity = loaded.outcome.severity
    assert severity is not None
    assert severity.order == ("Low", "High")
    plain = severity.model_copy(update={"order": ()})
    outcome = loaded.outcome.model_copy(update={"severity": plain})
    assert loaded.model_copy(update={"outcome": outcome}) == MAPPING


def test_comments_show_values_and_what_is_not_used(tmp_path: Path) -> None:
    text = written(tmp_path, MAPPING).read_text()
    assert "    - 'yes'   # Graz | Linz" in text
    assert "  # description:" in text
    assert "# Columns that are not used:\n#   Other   # # note | note" in text


def test_an_outcome_without_columns_is_a_comment(tmp_path: Path) -> None:
    file = written(tmp_path, None, "number,title\n1,a\n2,b\n")
    assert "# outcome:" in file.read_text()
    assert load_mapping(file).report.title is not None


@pytest.mark.parametrize("name", ["Straße", "on", "1", "a: b", "'q'", '"q"', "a # b", " x"])
def test_any_name_of_a_column_is_kept(tmp_path: Path, name: str) -> None:
    mapping = HistoryMapping.model_validate({"report": {"title": name.strip()}})
    export = f'"{name.replace(chr(34), chr(34) * 2)}",b\ntext,1\nmore,2\n'
    assert load_mapping(written(tmp_path, mapping, export)) == mapping

"""A label that the mapping states as renamed is read as the new one."""

from pathlib import Path

import pytest

from features.errors import BadMapping
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history

MAPPING = """
report: {{title: title}}
outcome: {{category: team, severity: {{column: priority, order: [low, high]}}, fields: [area]}}
renamed: {renamed}
"""


def mapping_file(folder: Path, renamed: str) -> Path:
    file = folder / "m.yaml"
    file.write_text(MAPPING.format(renamed=renamed), encoding="utf-8")
    return file


def test_renamed_labels_of_a_file_are_read_as_the_new_ones(tmp_path: Path) -> None:
    export = tmp_path / "h.csv"
    export.write_text("title,team,priority,area\na,Net,P1,x\nb,Network,low,y\nc,Mail,high,Net\n")
    renamed = "{category: {Net: Network}, severity: {P1: high}, fields.area: {x: z}}"
    history = load_history(export, load_mapping(mapping_file(tmp_path, renamed)))
    outcomes = [incident.outcome for incident in history.incidents]
    assert [outcome.category for outcome in outcomes] == ["Network", "Network", "Mail"]
    assert [outcome.severity for outcome in outcomes] == ["high", "low", "high"]
    assert [outcome.fields["area"] for outcome in outcomes] == ["z", "y", "Net"]
    assert history.renamed["category"] == {"Net": "Network"}
    assert not history.warnings or "not in the order" not in " ".join(history.warnings)


@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ("{categroy: {Net: Network}}", "renamed names 'categroy'.*did you mean 'category'"),
        ("{category: {A: B, B: A}}", "lead from 'A' back to 'A'"),
    ],
)
def test_renames_that_make_no_sense_are_refused(tmp_path: Path, renamed: str, said: str) -> None:
    with pytest.raises(BadMapping, match=said):
        load_mapping(mapping_file(tmp_path, renamed))

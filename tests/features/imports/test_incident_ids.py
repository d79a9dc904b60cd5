"""Where an export has no ids, they are made of what was known at opening."""

import csv
from pathlib import Path

import pytest
from real_world_cases import CASES, needs_cases

from features.domain.history import History
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history

CASE = CASES / "20-made-up-ids-collide"
HEADER = "Opened,Subject,Text,Status,Closed,Group,Changed\n"
JANUARY = (
    "2025-01-02 08:00:00,printer jams,tray 2,Open,,Field,2025-01-02 09:00:00\n"
    "2025-01-03 08:00:00,vpn drops,since noon,Closed,2025-01-03 09:00:00,Net,2025-01-03 09:00:00\n"
)
LATER = (
    "2025-01-02 08:00:00,printer jams,tray 2,Closed,2025-01-05 08:00:00,Print,2025-01-05 08:00:00\n"
)
MAPPING = HistoryMapping.model_validate(
    {
        "report": {"opened_at": "Opened", "title": "Subject", "description": "Text"},
        "outcome": {"assignment": "Group", "resolved_at": "Closed", "state": "Status"},
    }
)


def ids(folder: Path, text: str, mapping: HistoryMapping = MAPPING) -> list[str]:
    file = folder / "export.csv"
    file.write_text(text, encoding="utf-8")
    return [incident.report.id for incident in load_history(file, mapping).incidents]


def test_the_same_export_gives_the_same_ids(tmp_path: Path) -> None:
    first = ids(tmp_path, HEADER + JANUARY)
    assert first == ids(tmp_path, HEADER + JANUARY)
    assert len(set(first)) == 2
    assert all(incident_id.startswith("row-") for incident_id in first)


def test_an_incident_that_was_resolved_meanwhile_stays_one(tmp_path: Path) -> None:
    assert ids(tmp_path, HEADER + LATER) == ids(tmp_path, HEADER + JANUARY)[:1]


def test_another_month_has_other_ids(tmp_path: Path) -> None:
    january = ids(tmp_path, HEADER + JANUARY)
    february = ids(tmp_path, HEADER + JANUARY.replace("2025-01", "2025-02"))
    assert not set(january) & set(february)


def test_equal_rows_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    row = JANUARY.splitlines(keepends=True)[0]
    first, second, third = ids(tmp_path, HEADER + row * 3)
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    rows = JANUARY.splitlines(keepends=True)
    assert set(ids(tmp_path, HEADER + rows[1] + rows[0])) == set(ids(tmp_path, HEADER + JANUARY))


def test_a_service_that_is_corrected_later_does_not_change_the_id(tmp_path: Path) -> None:
    report = {"title": "Subject", "service": "Group", "attributes": ["Changed"]}
    mapping = HistoryMapping.model_validate({"report": report})
    assert ids(tmp_path, HEADER + LATER, mapping) == ids(tmp_path, HEADER + JANUARY, mapping)[:1]


def test_without_texts_all_that_the_report_holds_makes_the_id(tmp_path: Path) -> None:
    report = {"service": "Group", "attributes": ["Subject", "Closed"]}
    mapping = HistoryMapping.model_validate({"report": report})
    first, second = ids(tmp_path, HEADER + JANUARY, mapping)
    assert first != second


def test_a_warning_names_the_columns_and_the_equal_rows(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(HEADER + JANUARY.splitlines(keepends=True)[0] * 2, encoding="utf-8")
    warning = next(line for line in load_history(file, MAPPING).warnings if "ids are made" in line)
    assert "Opened, Subject, Text" in warning
    assert "1 rows are equal" in warning


@needs_cases
@pytest.mark.parametrize("has_id", [True, False])
def test_two_months_are_160_incidents(tmp_path: Path, has_id: bool) -> None:
    histories: list[History] = []
    for name in ("jan.csv", "feb.csv"):
        with (CASE / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter=";"))
        if not has_id:
            rows = [{key: row[key] for key in row if key != "Ticket#"} for row in rows]
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        histories.append(load_history(tmp_path / name))
    found = {incident.report.id for history in histories for incident in history.incidents}
    assert len(found) == 160
    assert all(incident_id.startswith("row-") for incident_id in found) is not has_id
    assert all(incident.report.opened_at for history in histories for incident in history.incidents)

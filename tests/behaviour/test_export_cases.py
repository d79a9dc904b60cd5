"""Exports as real programs write them, after public bug reports of comparable importers."""

import pytest
from real_world_cases import CASES, needs_cases

from features.domain.history import History
from features.imports.load_history import load_history

pytestmark = needs_cases


def load(case: str, file: str) -> History:
    return load_history(CASES / case / file)


def ids(history: History) -> list[str]:
    return [incident.report.id for incident in history.incidents]


def titles(history: History) -> list[str]:
    return [incident.report.title for incident in history.incidents]


def test_excel_states_the_separator_in_the_first_line() -> None:
    history = load("15-excel-sep-line", "export.csv")
    assert ids(history) == ["INC001", "INC002"]
    assert titles(history) == ["Printer jams", "VPN drops"]


@pytest.mark.parametrize(
    ("file", "count", "rejected"),
    [("repeated.csv", 3, 1), ("total.csv", 2, 1), ("comments.csv", 2, 2), ("again.csv", 1, 0)],
)
def test_rows_that_are_no_incidents_are_left_out_and_named(
    file: str, count: int, rejected: int
) -> None:
    history = load("16-rows-that-are-no-incidents", file)
    assert (len(history.incidents), len(history.rejected)) == (count, rejected)
    assert all(incident.report.title for incident in history.incidents)


def test_a_repeated_header_is_no_severity() -> None:
    history = load("16-rows-that-are-no-incidents", "repeated.csv")
    assert history.severity_levels == ("Low", "High")


def test_a_blank_cell_does_not_erase_what_an_earlier_row_said() -> None:
    [incident] = load("16-rows-that-are-no-incidents", "again.csv").incidents
    assert (incident.report.title, incident.outcome.assignment) == ("vpn drops", "Network")


def test_rows_may_be_shorter_than_the_header() -> None:
    history = load("18-rows-shorter-than-the-header", "export.csv")
    assert titles(history) == ["vpn drops", "wifi weak"]
    assert any("2 rows have fewer values" in warning for warning in history.warnings)


def test_a_stray_quote_swallows_no_rows() -> None:
    history = load("19-stray-quote-swallows-rows", "stray.csv")
    assert ids(history) == [f"INC{n}" for n in range(1, 8)]
    assert titles(history)[3:5] == ["mailbox full", "mail delayed"]
    assert "line 4: a quote is never closed" in history.warnings[0]
    history = load("19-stray-quote-swallows-rows", "end.csv")
    assert len(history.incidents) == 393
    assert not history.rejected


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("snow_array.jsonl", "aa0"),
        ("snow_records.json", "aa0"),
        ("snow_result.json", "aa0"),
        ("snow_ref.jsonl", "aa0"),
        ("snow_dv_all.jsonl", "Network"),
    ],
)
def test_json_of_servicenow(file: str, group: str) -> None:
    history = load("21-json-as-service-desks-write-it", file)
    assert ids(history) == ["INC01000", "INC01001", "INC01002"]
    assert titles(history) == ["VPN drops", "Printer jams", "Mail late"]
    assert all(incident.report.opened_at for incident in history.incidents)
    assert history.incidents[0].outcome.assignment == group
    is_warned = any("assignment_group holds references" in text for text in history.warnings)
    assert is_warned == (group == "aa0")


def test_json_of_zendesk() -> None:
    history = load("21-json-as-service-desks-write-it", "zendesk.ndjson")
    assert ids(history) == ["700", "701", "702", "703", "704"]
    assert history.incidents[0].report.title == "Can't sign in"


def test_an_older_encoding_is_read_with_a_warning() -> None:
    history = load("22-windows-1252", "export.csv")
    assert titles(history) == ["Café till won\u2019t start \u2013 blue screen", "VPN"]
    assert history.incidents[0].outcome.assignment == "Field Süd"
    assert any("windows-1252" in warning for warning in history.warnings)

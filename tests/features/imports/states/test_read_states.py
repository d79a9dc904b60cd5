"""The state column decides what is open; what it says is not guessed."""

from pathlib import Path
from typing import Any

import pytest

from features.domain.history import History
from features.domain.report import Status
from features.errors import BadMapping
from features.imports.column_mapping import HistoryMapping, load_mapping
from features.imports.load_history import load_history

OPEN, RESOLVED = Status.OPEN, Status.RESOLVED
ROWS = (
    "INC1,printer jams,New,Hardware,\n"
    "INC2,printer jams,In Progress,Hardware,2025-11-03 13:10:00\n"
    "INC3,vpn drops,Closed,Network,2025-11-03 13:10:00\n"
    "INC4,vpn drops,Frobbed,Network,2025-11-03 13:10:00\n"
    "INC5,vpn drops,,Network,\n"
)


def read(folder: Path, state: Any, rows: str = ROWS) -> History:
    file = folder / "export.csv"
    file.write_text("Id,Title,State,Category,Closed\n" + rows, encoding="utf-8")
    outcome = {"category": "Category", "resolved_at": "Closed", "state": state}
    mapping = {"report": {"id": "Id", "title": "Title"}, "outcome": outcome}
    return load_history(file, HistoryMapping.model_validate(mapping))


def statuses(history: History) -> list[Status | None]:
    return [incident.outcome.status for incident in history.incidents]


def test_usual_words_decide_and_others_are_counted(tmp_path: Path) -> None:
    history = read(tmp_path, "State")
    assert statuses(history) == [OPEN, OPEN, RESOLVED, None, None]
    assert [incident.outcome.is_open for incident in history.incidents] == [
        *(True, True, False, False, False),
    ]
    assert any("'Frobbed' (1)" in warning for warning in history.warnings)


def test_what_the_mapping_lists_as_open_is_open_and_the_rest_resolved(tmp_path: Path) -> None:
    history = read(tmp_path, {"column": "State", "open": ["new", "IN PROGRESS"]})
    assert statuses(history) == [OPEN, OPEN, RESOLVED, RESOLVED, None]


def test_with_both_lists_usual_words_still_count(tmp_path: Path) -> None:
    state = {"column": "State", "open": ["Frobbed"], "resolved": ["In Progress"]}
    assert statuses(read(tmp_path, state)) == [OPEN, RESOLVED, RESOLVED, OPEN, None]


def test_an_empty_end_may_mean_open(tmp_path: Path) -> None:
    history = read(tmp_path, {"column": "Closed", "open": [""]})
    assert statuses(history) == [OPEN, RESOLVED, RESOLVED, RESOLVED, OPEN]


def test_a_reopened_incident_loses_its_time_of_resolution(tmp_path: Path) -> None:
    history = read(tmp_path, "State")
    assert history.incidents[1].outcome.resolved_at is None
    assert history.incidents[2].outcome.resolved_at is not None
    assert any("1 incidents are open by their state" in warning for warning in history.warnings)


def test_without_a_state_column_nothing_is_stated(tmp_path: Path) -> None:
    assert statuses(read(tmp_path, None)) == [None] * 5


def test_a_mistake_in_the_mapping_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("report: {title: x}\noutcome: {state: {column: y, opened: [New]}}")
    with pytest.raises(BadMapping, match="did you mean 'open'"):
        load_mapping(file)


def test_the_resolvers_last_comment_is_the_resolution_where_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(
        "Issue key,Summary,Status,Assignee,Created,Comment,Comment,Comment\n"
        "A-1,slow,Done,ben,03/Nov/25 12:17 PM,03/Nov/25 12:30 PM;ben;looking,"
        '"03/Nov/25 1:05 PM;ben;restarted; ok now",03/Nov/25 1:09 PM;ana;thanks\n'
        "A-2,slow,Open,ben,03/Nov/25 12:17 PM,03/Nov/25 12:30 PM;ben;looking,,\n"
        "A-3,slow,Done,ben,03/Nov/25 12:17 PM,03/Nov/25 12:30 PM;ana;please,,\n"
        "A-4,slow,Done,ben,03/Nov/25 12:17 PM,04/Nov/25 1:30 PM;ben;last,"
        "03/Nov/25 1:30 PM;ben;first,\n",
        encoding="utf-8",
    )
    history = load_history(file)
    resolutions = [incident.outcome.resolution for incident in history.incidents]
    assert resolutions == ["restarted; ok now", None, None, "last"]
    assert any("2 incidents have none; the last comment" in line for line in history.warnings)


def test_lists_are_read_by_their_first_item(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(
        "Alert ID,Message,CreatedAt,Teams,Status\n"
        'a1,slow,1762172220000,"[Commerce, Data]",closed\na2,full,1762258620000,[Data],open\n',
        encoding="utf-8",
    )
    history = load_history(file)
    assert [i.outcome.assignment for i in history.incidents] == ["Commerce", "Data"]
    assert any("Teams: 1 values list several" in warning for warning in history.warnings)

"""The roles of target times and reassignments, and the file of target times."""

import pytest

from features.errors import UnreadableFile
from features.imports.column_mapping import HistoryMapping
from features.imports.load_history import load_history
from features.imports.mapping_inference import recognise_headers
from features.imports.target_times import read_target_hours

FLAT = """title,sla,moves
VPN down,Ja,0
Mail slow,nein,2
Disk full,?,
Fan loud,perhaps,x
"""
TRAIL = """number,step,title,team,category
1,1,VPN down,Desk,Network
1,2,VPN down,Net,Network
1,3,VPN down,Desk,Network
2,1,Mail slow,Desk,Mail
2,2,Mail slow,?,Mail
"""


def read(tmp_path, text, outcome, **mapping):
    file = tmp_path / "export.csv"
    file.write_text(text, encoding="utf-8")
    sections = {"report": {"title": "title"}, "outcome": outcome} | mapping
    return load_history(file, HistoryMapping.model_validate(sections))


@pytest.mark.parametrize("negated", [False, True])
def test_words_of_several_languages_tell_of_target_times(tmp_path, negated):
    outcome = {"sla_met": {"column": "sla", "negated": negated}, "reassigned": "moves"}
    history = read(tmp_path, FLAT, outcome)
    outcomes = [incident.outcome for incident in history.incidents]
    assert [outcome.sla_met for outcome in outcomes] == [not negated, negated, None, None]
    assert [outcome.reassigned for outcome in outcomes] == [False, True, None, None]
    assert any("'perhaps'" in warning for warning in history.warnings)


def test_the_events_of_an_audit_trail_tell_of_reassignments(tmp_path):
    events = {"group_by": "number", "order_by": "step"}
    stated = {"reassigned": {"column": "team", "changes": True}}
    for outcome in (stated, {"assignment": "team"}):
        history = read(tmp_path, TRAIL, {"category": "category"} | outcome, events=events)
        assert [incident.outcome.reassigned for incident in history.incidents] == [True, False]


def test_a_flat_export_does_not_tell_of_changes(tmp_path):
    history = read(tmp_path, TRAIL, {"reassigned": {"column": "team", "changes": True}})
    assert {incident.outcome.reassigned for incident in history.incidents} == {None}


def test_headers_of_target_times_are_recognised():
    mapping = recognise_headers(["Number", "Short description", "Made SLA", "Reassignment count"])
    outcome = mapping.mapping.outcome
    assert (outcome.sla_met.column, outcome.sla_met.negated) == ("Made SLA", False)
    assert outcome.reassigned.column == "Reassignment count"
    negated = recognise_headers(["title", "SLAFail"]).mapping.outcome.sla_met
    assert (negated.column, negated.negated) == ("SLAFail", True)


def test_the_file_of_target_times(tmp_path):
    file = tmp_path / "target_times.yaml"
    assert read_target_hours(file) == {}
    file.write_text('hours: {"1 - Critical": 4, 2: 8}\n')
    assert read_target_hours(file) == {"1 - Critical": 4.0, "2": 8.0}
    for text in ("hours: {P1: 0}\n", "hours: {P1: soon}\n", "targets: {P1: 4}\n"):
        file.write_text(text)
        with pytest.raises(UnreadableFile):
            read_target_hours(file)

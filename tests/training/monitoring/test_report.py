"""A monitoring report as an owner meets it."""

import json
import re
from dataclasses import replace
from random import Random

import pytest
from monitored_store import fill_bad_month, incident, labelled
from typer.testing import CliRunner

from features.domain.labels import FINAL_STATE, LabelSource
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from training.cli.app import app
from training.monitoring.champion_judgement import unbiased_labels


def test_a_quiet_store_raises_no_alarm_and_proposes_no_retirement(quiet_report):
    assert quiet_report.alarms == ()
    assert [proposal for proposal in quiet_report.proposals if proposal.kind == "retired"] == []


def test_what_people_only_corrected_does_not_count_as_errors():
    first = incident(1, Random(0))
    corrected = labelled(first, "Mail", LabelSource.CORRECTED)
    final = labelled(first, "Mail", LabelSource.OUTCOME, FINAL_STATE)
    self_confirmed = labelled(first, "Mail", LabelSource.SELF_CONFIRMED, FINAL_STATE)
    assert unbiased_labels([first], "category", {"INC1": [corrected]}) == {}
    assert unbiased_labels([first], "category", {"INC1": [self_confirmed]}) == {}
    assert list(unbiased_labels([first], "category", {"INC1": [corrected, final]})) == ["INC1"]
    assert list(unbiased_labels([first], "category", {})) == ["INC1"]


def test_an_empty_store_has_nothing_to_tell(report_of):
    report = report_of(lambda store: None, days=10)
    assert (report.alarms, report.proposals) == ((), ())


@pytest.mark.parametrize("target", ["novelty", "similar"])
def test_a_champion_that_predicts_no_label_is_left_out(report_of, monkeypatch, target):
    champions = ModelRegistry.champions
    monkeypatch.setattr(
        ModelRegistry,
        "champions",
        lambda registry: {target: replace(champions(registry)["category"], target=target)},
    )
    report = report_of(lambda store: store.incidents.upsert([incident(1, Random(0))]))
    assert report.alarms == ()


def test_the_command_prints_and_keeps_the_report(
    report_of, monitored_home, bad_report, monkeypatch
):
    report_of(fill_bad_month)
    monkeypatch.setenv("PRECEDENT_HOME", str(monitored_home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    result = CliRunner().invoke(app, ["monitor", "--json"])
    assert result.exit_code == 0, result.output
    signals = [alarm["signal"] for alarm in json.loads(result.stdout)["alarms"]]
    assert signals == [alarm.signal for alarm in bad_report.alarms]
    with open_store(monitored_home.database_url) as store:
        assert store.monitoring_reports.latest().alarms == bad_report.alarms


def test_the_command_begins_with_one_verdict(report_of, monitored_home, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(monitored_home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    report_of(lambda store: None)
    output = CliRunner().invoke(app, ["monitor"]).stdout.splitlines()
    assert output[0] == "nothing is out of line"
    assert output[1] == "wrong automatic acts per 1,000 incidents 0 on 0"
    assert output[2] == "incidents answered auto 0 on 0"
    report_of(fill_bad_month)
    output = CliRunner().invoke(app, ["monitor"]).stdout
    second = r"wrong automatic acts per 1,000 incidents \d+ \[0, \d+\] on \d+"
    assert re.fullmatch(second, output.splitlines()[1])
    assert re.match(r"\d+ alarms(; \d+ proposals?)?\n", output)
    assert re.search(r"^all: incidents compared \d+ \(reference \d+\)$", output, re.MULTILINE)
    assert "e+0" not in output
    assert "category: answers abstained 0 on 207\n" in output

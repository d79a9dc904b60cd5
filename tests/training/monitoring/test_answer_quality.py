"""Measures of a champion's answers, and the alarm when they go wrong."""

from datetime import timedelta

import pytest
from monitored_store import BEGIN, alarm


def test_answers_of_a_quiet_store_are_measured(quiet_report):
    measures = {measure.name: measure for measure in quiet_report.measures}
    assert measures["answers abstained"].value == 0.25
    assert (measures["accuracy"].value, measures["accuracy"].reference) == (1, 0.9)
    assert measures["confidence above accuracy"].value == pytest.approx(-0.05)
    assert measures["feedback accepted"].value == 0.5
    assert measures["seconds to answer, median"].value == 0.02


def test_answers_that_went_wrong_raise_an_alarm_with_those_missed(bad_report):
    errors = alarm(bad_report, "errors")
    assert abs(errors.since - (BEGIN + timedelta(days=37))) <= timedelta(days=2)
    assert "more often than their confidence says" in errors.statement

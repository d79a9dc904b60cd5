"""Measures of a champion's answers, and the alarm when they go wrong."""

from datetime import timedelta

import pytest
from monitored_store import BEGIN, alarm


def test_answers_of_a_quiet_store_are_measured(quiet_report):
    measured = {one.name: one for one in quiet_report.measures}
    assert measured["answers abstained"].value == 0.25
    assert (measured["accuracy"].value, measured["accuracy"].reference) == (1, 0.9)
    assert measured["confidence above accuracy"].value == pytest.approx(-0.05)
    assert measured["feedback accepted"].value == 0.5
    assert measured["seconds to answer, median"].value == 0.02


def test_answers_that_went_wrong_raise_an_alarm_with_those_missed(bad_report):
    found = alarm(bad_report, "errors")
    assert abs(found.since - (BEGIN + timedelta(days=37))) <= timedelta(days=2)
    assert "more often than they say" in found.statement

"""Measures of a champion's answers, and the alarm when they go wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from monitored_store import BEGIN, alarm

from features.domain.predictions import PredictionSummary
from training.monitoring.answer_quality import AnsweredIncidents, measure_answers


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


def test_the_alarm_begins_when_its_first_incident_opened(toy_card):
    """Incidents of an older export may be answered long after they opened."""
    later = datetime(2027, 1, 1, tzinfo=UTC)
    answers = tuple(
        PredictionSummary(
            f"p{n}", f"INC{n}", "category", "1", "Net", 0.95, "auto", "auto", None, None, later
        )
        for n in range(60)
    )
    truths = {f"INC{n}": "Net" if n < 30 else "Mail" for n in range(60)}
    opened = {f"INC{n}": BEGIN + timedelta(days=n) for n in range(60)}
    (errors,) = measure_answers(
        AnsweredIncidents("category", answers, truths, opened), toy_card, (), 1
    ).alarms
    assert errors.since == BEGIN + timedelta(days=30)

"""Alarms at labels and facts that are new."""

from datetime import timedelta

from monitored_store import BEGIN, alarm


def test_a_renamed_category_is_named_dated_and_shown(bad_report):
    found = alarm(bad_report, "label")
    assert (found.target, found.label) == ("category", "E-mail")
    assert found.since >= BEGIN + timedelta(hours=1000)
    assert set(found.examples) <= {f"INC{number}" for number in range(500, 700)}
    assert "retrain" in found.advice


def test_a_new_service_raises_an_alarm(bad_report):
    assert "'kiosk' is new" in alarm(bad_report, "service").statement

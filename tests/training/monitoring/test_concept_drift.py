"""Alarms at labels and facts that are new."""

from datetime import timedelta

from monitored_store import BEGIN, alarm


def test_a_renamed_category_is_named_dated_and_shown(bad_report):
    renamed = alarm(bad_report, "label")
    assert (renamed.target, renamed.label) == ("category", "E-mail")
    assert renamed.since >= BEGIN + timedelta(hours=1000)
    assert set(renamed.examples) <= {f"INC{number}" for number in range(500, 700)}
    assert "retrain" in renamed.advice


def test_a_new_service_raises_an_alarm(bad_report):
    assert "'kiosk' is new" in alarm(bad_report, "service").statement

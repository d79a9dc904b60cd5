"""Audited precision and the alarms about certificates."""


def test_a_broken_promise_is_an_alarm_while_the_class_is_certified(bad_report):
    measure = next(measure for measure in bad_report.measures if measure.label == "Network")
    assert measure.name == "audited precision"
    assert measure.low < measure.value < measure.high < measure.reference == 0.9
    alarm = next(alarm for alarm in bad_report.alarms if alarm.label == "Network")
    assert "still certified" in alarm.statement


def test_a_withdrawn_certificate_raises_an_alarm(bad_report):
    alarm = next(alarm for alarm in bad_report.alarms if alarm.label == "Mail")
    assert "8 of 30 audited answers were right" in alarm.statement

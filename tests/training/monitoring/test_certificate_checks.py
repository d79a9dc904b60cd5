"""Audited precision and the alarms about certificates."""


def test_a_broken_promise_is_an_alarm_while_the_class_is_certified(bad_report):
    measure = next(one for one in bad_report.measures if one.label == "Network")
    assert measure.name == "audited precision"
    assert measure.low < measure.value < measure.high < measure.reference == 0.9
    assert (
        "still certified"
        in next(one for one in bad_report.alarms if one.label == "Network").statement
    )


def test_a_withdrawn_certificate_is_told(bad_report):
    assert "8 were right" in next(one for one in bad_report.alarms if one.label == "Mail").statement

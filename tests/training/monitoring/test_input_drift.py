"""Inputs that are as before show no drift."""


def test_inputs_of_a_quiet_store_do_not_drift(quiet_report):
    measured = {measure.name: measure for measure in quiet_report.measures}
    assert measured["incidents compared"].value == 375
    assert measured["texts told from earlier ones (AUC)"].low < 0.6
    assert measured["service never seen before"].value == 0

"""Variables that look like settings but are not."""

from features.unknown_settings import unknown_setting_warnings


def test_known_variables_and_those_of_others_are_no_problem() -> None:
    settings = ["PRECEDENT_HOME", "precedent_port", "PRECEDENT_DATA", "PATH", "HOME"]
    assert list(unknown_setting_warnings(settings)) == []


def test_each_unknown_variable_is_named_with_the_nearest_setting_if_there_is_one() -> None:
    assert list(
        unknown_setting_warnings(["PRECEDENT_POLLSECONDS", "PRECEDENT_", "PRECEDENT_Q"])
    ) == [
        "warning: PRECEDENT_ is not a setting",
        "warning: PRECEDENT_POLLSECONDS is not a setting; did you mean PRECEDENT_POLL_SECONDS?",
        "warning: PRECEDENT_Q is not a setting",
    ]

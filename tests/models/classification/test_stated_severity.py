"""What a sender stated finds its place among the history's levels."""

import pytest

from models.classification.stated_severity import StatedSeverity, stated_severity

NUMBERED = ("4 - Low", "3 - Moderate", "2 - High", "1 - Critical")
WORDS = ("low", "medium", "high")
CODES = ("P4", "P3", "P2", "P1")


@pytest.mark.parametrize(
    ("levels", "value", "text", "rank"),
    [
        (NUMBERED, "1 - critical", "1 - Critical", 3),
        (NUMBERED, "CRITICAL", "1 - Critical", 3),
        (NUMBERED, "P2", "2 - High", 2),
        (NUMBERED, "3", "3 - Moderate", 1),
        (NUMBERED, "2 - Medium", "2 - Medium", 1),
        (NUMBERED, "warning", "warning", 1),
        (NUMBERED, "info", "info", 0),
        (NUMBERED, "P5", "P5", 0),
        (WORDS, "critical", "critical", 2),
        (WORDS, "Medium", "medium", 1),
        (WORDS, "sev-1", "sev-1", 2),
        (CODES, "1", "P1", 3),
        (CODES, "high", "high", 2),
        (CODES, "P0", "P0", 3),
        (NUMBERED, "rather bad", "rather bad", None),
        (("calm", "wild"), "critical", "critical", None),
        (("low", "odd", "high"), "critical", "critical", 2),
        (("low", "odd"), "critical", "critical", None),
        (("calm", "wild"), "Wild", "wild", 1),
    ],
)
def test_value_is_placed(levels: tuple[str, ...], value: str, text: str, rank: int | None) -> None:
    assert stated_severity({"severity": value}, levels) == StatedSeverity(text, rank)


def test_most_severe_of_several_attributes_counts() -> None:
    stated = stated_severity({"severity": "info", "u_priority": "P1", "site": "high"}, WORDS)
    assert stated == StatedSeverity("P1", 2)


def test_nothing_stated_is_none() -> None:
    assert stated_severity({"site": "high", "severity": "  "}, WORDS) is None


def test_other_ordered_targets_read_the_attribute_of_their_name() -> None:
    attributes = {"severity": "low", "impact": "high"}
    assert stated_severity(attributes, WORDS, "fields.impact") == StatedSeverity("high", 2)
    assert stated_severity(attributes, WORDS, "fields.urgency") is None

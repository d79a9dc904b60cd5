"""An old label is read as the one that replaced it."""

import pytest

from features.domain.label_renames import current_label, merge_renames, rename_labels


def test_labels_without_a_rename_stay() -> None:
    renamed = {"category": {"Net": "Network"}}
    labels = {"category": "Net", "assignment": "Net", "severity": "low"}
    expected = {"category": "Network", "assignment": "Net", "severity": "low"}
    assert rename_labels(renamed, labels) == expected


def test_renames_that_lead_back_are_refused() -> None:
    with pytest.raises(ValueError, match="lead from 'A' back to 'A'"):
        current_label({"category": {"A": "B", "B": "A"}}, "category", "A")


def test_later_renames_override_earlier_ones() -> None:
    earlier = {"category": {"A": "B", "C": "D"}, "severity": {"P1": "high"}}
    merged = merge_renames(earlier, {"category": {"B": "A", "D": "E"}})
    assert merged["category"] == {"B": "A", "C": "D", "D": "E"}
    assert current_label(merged, "category", "C") == "E"
    assert merged["severity"] == {"P1": "high"}
    assert earlier["category"] == {"A": "B", "C": "D"}

"""The strongest of several labels counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(label: str, source: str = "corrected", hours: float = 0, **given: str) -> LabelRecord:
    usual = {"incident_id": "INC1", "target": "category", "given_by": "Ana"} | given
    return LabelRecord(
        label=label, source=LabelSource(source), given_at=NOW + hours * HOUR, **usual
    )


@pytest.mark.parametrize(
    ("sources", "wins"),
    [
        (["echo", "accepted"], 1),
        (["accepted", "echo"], 0),
        (["corrected", "accepted"], 0),
        (["outcome", "corrected"], 1),
        (["audited", "outcome"], 1),
        (["replaced", "echo", "accepted"], 0),
    ],
)
def test_trust_counts_before_age(sources: Sequence[str], wins: int) -> None:
    records = [said(f"L{n}", source, hours=n) for n, source in enumerate(sources)]
    assert strongest(records) == records[wins]


def test_of_equal_trust_the_latest_counts_whatever_the_order() -> None:
    early, late = said("A", hours=0), said("B", "outcome", hours=1)
    assert strongest([late, early]) == strongest([early, late]) == late
    assert strongest([]) is None


def test_a_final_state_that_gave_way_to_another_does_not_count() -> None:
    replaced = said("Mail", "replaced", hours=1, given_by=FINAL_STATE)
    back = said("VPN", "echo", hours=2, given_by=FINAL_STATE)
    assert strongest([replaced, back]) == back
    corrected = said("Chat", hours=0)
    assert strongest([corrected, replaced, back]) == corrected

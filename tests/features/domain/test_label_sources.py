"""The source of a final state's label, compared with our earlier answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.label_sources import labels_from_outcome, labels_of, source_for
from features.domain.labels import FINAL_STATE
from features.domain.predictions import PredictionRecord, PredictionSummary
from features.domain.report import Outcome

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def answer(label: str, decision: str, mode: str, share: float | None = None) -> PredictionSummary:
    return PredictionSummary(
        "p-1", "INC1", "category", "7", label, 0.9, decision, mode, share, None, NOW
    )


def test_an_incident_resolved_in_the_future_is_known_now() -> None:
    outcome = Outcome(category="VPN", resolved_at=NOW + 1_000 * HOUR)
    (label,) = labels_from_outcome("INC1", outcome, known=Outcome(), answers=(), now=NOW)
    assert label.given_at == NOW


@pytest.mark.parametrize(
    ("given", "label", "source"),
    [
        (None, "VPN", "outcome"),
        (answer("VPN", "abstain", "auto"), "VPN", "outcome"),
        (answer("VPN", "auto", "monitor"), "VPN", "outcome"),
        (answer("VPN", "auto", "off"), "Mail", "outcome"),
        (answer("VPN", "auto", "auto"), "VPN", "echo"),
        (answer("VPN", "auto", "auto"), "Mail", "replaced"),
        (answer("VPN", "auto", "recommend"), "VPN", "accepted"),
        (answer("VPN", "suggest", "auto"), "VPN", "accepted"),
        (answer("VPN", "suggest", "recommend"), "Mail", "replaced"),
        (answer("VPN", "auto", "auto", 0.05), "VPN", "audited"),
        (answer("VPN", "auto", "auto", 0.05), "Mail", "audited"),
    ],
)
def test_a_final_state_is_told_by_what_was_answered(given, label, source) -> None:
    assert source_for(label, given) == source


def prediction(target: str, label: str, answered_at: datetime, shown: object) -> PredictionRecord:
    fixed = {"request_id": "r", "incident_id": "INC1", "model_version": "1", "confidence": 0.9}
    return PredictionRecord(
        prediction_id=f"{target} {label}",
        target=target,
        label=label,
        decision="suggest",
        mode="recommend",
        answer={target: shown},
        answered_at=answered_at,
        **fixed,
    )


def test_an_outcome_brings_the_labels_that_are_new_judged_by_the_newest_answers() -> None:
    outcome = Outcome(
        "VPN", runbook_id="vpn/b", duplicate_of="INC0", fields={"site": "Graz"}, resolved_at=NOW
    )
    answers = [
        prediction("category", "Mail", NOW - HOUR, "Mail"),
        prediction("category", "VPN", NOW - 2 * HOUR, "VPN"),
        prediction("runbooks", "vpn/a", NOW - HOUR, [{"id": "vpn/a"}, {"id": "vpn/b"}]),
    ]
    known = Outcome(duplicate_of="INC0")
    labels = labels_from_outcome("INC1", outcome, known=known, answers=answers, now=NOW + HOUR)
    assert {(record.target, record.label, str(record.source)) for record in labels} == {
        ("category", "VPN", "replaced"),
        ("runbooks", "vpn/b", "accepted"),
        ("fields.site", "Graz", "outcome"),
    }
    assert {record.given_at for record in labels} == {NOW}
    assert labels_of(Outcome()) == {}
    unresolved = replace(outcome, resolved_at=None)
    first, *_ = labels_from_outcome("INC1", unresolved, known=known, answers=(), now=NOW + HOUR)
    assert (first.given_at, first.given_by, first.prediction_id) == (NOW + HOUR, FINAL_STATE, None)

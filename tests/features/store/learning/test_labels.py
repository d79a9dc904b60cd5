"""Labels: all are kept, the strongest counts, and what only repeats is not written again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from features.domain.label_sources import labels_from_outcome, labels_of, source_for
from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.domain.predictions import PredictionRecord, PredictionSummary
from features.domain.report import Outcome
from features.store.store import Store

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(label: str, source: str = "corrected", hours: float = 0, **given: str) -> LabelRecord:
    usual = {"incident_id": "INC1", "target": "category", "given_by": "Ana"} | given
    return LabelRecord(
        label=label, source=LabelSource(source), given_at=NOW + hours * HOUR, **usual
    )


def answer(label: str, decision: str, mode: str, share: float | None = None) -> PredictionSummary:
    return PredictionSummary(
        "p-1", "INC1", "category", "7", label, 0.9, decision, mode, share, None, NOW
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
    assert {(one.target, one.label, str(one.source)) for one in labels} == {
        ("category", "VPN", "replaced"),
        ("runbooks", "vpn/b", "accepted"),
        ("fields.site", "Graz", "outcome"),
    }
    assert {one.given_at for one in labels} == {NOW}
    assert labels_of(Outcome()) == {}
    unresolved = replace(outcome, resolved_at=None)
    first, *_ = labels_from_outcome("INC1", unresolved, known=known, answers=(), now=NOW + HOUR)
    assert (first.given_at, first.given_by, first.prediction_id) == (NOW + HOUR, FINAL_STATE, None)


def test_all_that_was_said_is_kept_oldest_first(store: Store) -> None:
    late, early = said("A", hours=2), said("B", hours=1, given_by="Ben")
    other = said("C", hours=3, incident_id="INC2", target="severity", prediction_id="p-1")
    store.labels.record([late, early])
    store.labels.record([other])
    store.labels.record([])
    assert store.labels.select() == (early, late, other)
    assert (
        store.labels.select(target="severity")
        == store.labels.select(incident_ids=["INC2"])
        == (other,)
    )
    assert store.labels.select(incident_ids=()) == ()
    assert store.labels.select(until=NOW + 2 * HOUR) == (early, late)
    many = [f"no{number}" for number in range(6_000)]
    assert store.labels.select(incident_ids=[*many, "INC2"]) == (other,)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_only_repeats_is_not_written_again(store: Store) -> None:
    state = said("VPN", "echo", given_by=FINAL_STATE)
    again = replace(state, source=LabelSource.ACCEPTED, given_at=NOW + HOUR)
    word = said("Mail", hours=1)
    store.labels.record([state, word])
    store.labels.record([again, replace(word, given_at=NOW + 9 * HOUR)])
    assert store.labels.select() == (state, word)
    back_and_forth = [said(label, given_by=FINAL_STATE) for label in ("Mail", "VPN")]
    store.labels.record(back_and_forth)
    assert store.labels.select() == (state, *back_and_forth, word)
    assert strongest(store.labels.select()) == word
    other_tenant = Store(store._database, "other")
    assert other_tenant.labels.select() == ()


def test_of_two_who_say_the_same_at_once_one_is_written(store: Store) -> None:
    start = Barrier(4)

    def record(_: int) -> None:
        start.wait()
        store.labels.record([said("VPN", given_by=FINAL_STATE)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(4)))
    assert len(store.labels.select()) == 1

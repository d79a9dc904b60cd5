"""Labels: all are kept, the strongest counts, and what only repeats is not written again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from factories import label_record, prediction

from features.domain.report import Outcome
from features.store.learning.answer_queries import PredictionSummary
from features.store.learning.label_sources import labels_from_outcome, labels_of, source_for
from features.store.learning.labels import FINAL_STATE, LabelRecord, LabelSource, strongest
from features.store.learning.predictions import PredictionRecord
from features.store.store import IncidentStore

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(label: str, source: str = "corrected", hours: float = 0, **given: str) -> LabelRecord:
    return label_record(label=label, source=source, given_at=NOW + hours * HOUR, **given)


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


def shown_answer(target: str, label: str, answered_at: datetime, shown: object) -> PredictionRecord:
    return prediction(
        label=label,
        prediction_id=f"{target} {label}",
        target=target,
        mode="recommend",
        answer={target: shown},
        answered_at=answered_at,
    )


def test_an_outcome_brings_the_labels_that_are_new_judged_by_the_newest_answers() -> None:
    outcome = Outcome(
        "VPN", runbook_id="vpn/b", duplicate_of="INC0", fields={"site": "Graz"}, resolved_at=NOW
    )
    answers = [
        shown_answer("category", "Mail", NOW - HOUR, "Mail"),
        shown_answer("category", "VPN", NOW - 2 * HOUR, "VPN"),
        shown_answer("runbooks", "vpn/a", NOW - HOUR, [{"id": "vpn/a"}, {"id": "vpn/b"}]),
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


def test_all_that_was_said_is_kept_oldest_first(store: IncidentStore) -> None:
    learning = store.learning
    late, early = said("A", hours=2), said("B", hours=1, given_by="Ben")
    other = said("C", hours=3, incident_id="INC2", target="severity", prediction_id="p-1")
    learning.record_labels([late, early])
    learning.record_labels([other])
    learning.record_labels([])
    assert learning.labels() == (early, late, other)
    assert learning.labels(target="severity") == learning.labels(incident_ids=["INC2"]) == (other,)
    assert learning.labels(incident_ids=()) == ()
    assert learning.labels(until=NOW + 2 * HOUR) == (early, late)
    many = [f"no{number}" for number in range(6_000)]
    assert learning.labels(incident_ids=[*many, "INC2"]) == (other,)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_only_repeats_is_not_written_again(store: IncidentStore) -> None:
    state = said("VPN", "echo", given_by=FINAL_STATE)
    again = replace(state, source=LabelSource.ACCEPTED, given_at=NOW + HOUR)
    word = said("Mail", hours=1)
    store.learning.record_labels([state, word])
    store.learning.record_labels([again, replace(word, given_at=NOW + 9 * HOUR)])
    assert store.learning.labels() == (state, word)
    back_and_forth = [said(label, given_by=FINAL_STATE) for label in ("Mail", "VPN")]
    store.learning.record_labels(back_and_forth)
    assert store.learning.labels() == (state, *back_and_forth, word)
    assert strongest(store.learning.labels()) == word
    other_tenant = type(store)(store._database, "other").learning
    assert other_tenant.labels() == ()


def test_of_two_who_say_the_same_at_once_one_is_written(store: IncidentStore) -> None:
    start = Barrier(4)

    def record(_: int) -> None:
        start.wait()
        store.learning.record_labels([said("VPN", given_by=FINAL_STATE)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(4)))
    assert len(store.learning.labels()) == 1

"""Label rates in the store, and the labels that they rest on."""

from dataclasses import replace
from datetime import timedelta

from factories import NOON, label_record, prediction

from features.domain.label_rates import LabelRates
from features.domain.labels import FINAL_STATE, LabelSource
from features.store.store import Store

FIRST = LabelRates("category", "7", {"Mail": 0.7}, 40, NOON, NOON)


def test_a_target_has_one_record(store: Store) -> None:
    other = replace(FIRST, target="severity")
    newer = replace(FIRST, version="8", log_factors={})
    for rates in (FIRST, other, newer):
        store.label_rates.save(rates)
    assert store.label_rates.all() == (newer, other)


def test_removed_rates_are_gone(store: Store) -> None:
    store.label_rates.save(FIRST)
    assert store.label_rates.remove("category")
    assert not store.label_rates.remove("category")
    assert store.label_rates.all() == ()


def test_labels_after_an_act_are_left_out_whether_it_was_right_or_not(store: Store) -> None:
    store.predictions.record(
        [
            prediction("INC2", prediction_id="acted", decision="auto", mode="auto"),
            prediction("INC3", prediction_id="shown", decision="auto", mode="suggest"),
        ]
    )
    final = label_record("INC1", "Mail", source=LabelSource.OUTCOME, given_by=FINAL_STATE)
    undone = label_record(
        "INC2", "Mail", LabelSource.REPLACED, given_by=FINAL_STATE, prediction_id="acted"
    )
    shown = label_record(
        "INC3", "Mail", LabelSource.REPLACED, given_by=FINAL_STATE, prediction_id="shown"
    )
    own = label_record("INC4", "Mail", source=LabelSource.SELF_CONFIRMED, given_by=FINAL_STATE)
    corrected = label_record("INC5", "Mail", source=LabelSource.CORRECTED)
    audited = label_record("INC6", "Mail", source=LabelSource.AUDITED)
    store.labels.record([final, undone, shown, own, corrected, audited])
    assert store.labels.representative("category", 10) == (final, shown, audited)
    assert store.labels.representative("category", 1) == (audited,)
    assert store.labels.representative("severity", 10) == ()


def test_an_old_history_that_is_imported_late_is_not_the_newest(store: Store) -> None:
    new, old = (
        label_record(id_, source=LabelSource.OUTCOME, given_by=FINAL_STATE, given_at=given_at)
        for id_, given_at in (("INC1", NOON), ("INC2", NOON - timedelta(days=900)))
    )
    store.labels.record([new])
    store.labels.record([old])
    assert store.labels.representative("category", 10) == (old, new)
    assert store.labels.representative("category", 1) == (new,)

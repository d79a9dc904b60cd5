"""Wrong automatic acts per 1,000 incidents: what counts, and how sure the figure is."""

from datetime import timedelta

import pytest
from factories import NOON, label_record, prediction

from features.domain.labels import LabelSource
from features.domain.predictions import AuditedAnswer
from features.store.store import Store, open_store
from models.lifecycle.automatic_acts import AutomaticActs, estimate_wrong, measure_acts


@pytest.fixture
def store(tmp_path) -> Store:
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def checked(number: int, *, wrong: bool, group: str | None = None, share: float = 0.05):
    truth = "Mail" if wrong else "Network"
    names = (f"p{number}", f"INC{number}", "category", "1", "Network")
    return AuditedAnswer(*names, 0.95, share, NOON, truth, NOON, group)


def test_share_is_weighted_by_the_probability_of_being_drawn() -> None:
    answers = [checked(1, wrong=True, share=0.5), *(checked(n, wrong=False) for n in range(2, 5))]
    share, _ = estimate_wrong(answers)
    assert share == pytest.approx(2 / 62)


def test_near_copies_are_one_observation() -> None:
    apart = [checked(n, wrong=False, group=str(n)) for n in range(60)]
    alike = [checked(n, wrong=False, group=str(n % 3)) for n in range(60)]
    (_, high_apart), (_, high_alike) = estimate_wrong(apart), estimate_wrong(alike)
    assert high_apart < 0.1 < 0.4 < high_alike
    assert estimate_wrong([]) == (None, 1.0)


def test_acts_are_counted_per_incident_and_target(store: Store) -> None:
    auto = {"decision": "auto", "mode": "auto"}
    records = [
        prediction("INC1", prediction_id="p1", audit_share=0.1, audit_group="g", **auto),
        prediction("INC1", prediction_id="p2", audit_share=0.1, audit_group="g", **auto),
        prediction("INC1", prediction_id="p1", target="severity", **auto),
        prediction("INC2", prediction_id="p3", decision="auto", mode="recommend"),
        prediction("INC3", prediction_id="p4"),
        prediction("INC4", prediction_id="p5", answered_at=NOON - timedelta(days=100), **auto),
    ]
    store.predictions.record(records)
    unchecked = measure_acts(store)
    assert (unchecked.incidents, unchecked.acted_on, unchecked.acts) == (3, 1, 2)
    assert unchecked.wrong_per_1000 is None
    assert unchecked.high_per_1000 == pytest.approx(1000 * 2 / 3)
    assert unchecked.auto_share == pytest.approx(1 / 3)
    wrong = label_record("INC1", "Mail", LabelSource.AUDITED, prediction_id="p1")
    store.labels.record([wrong])
    acts = measure_acts(store)
    assert (acts.checked, acts.wrong_per_1000) == (1, pytest.approx(1000 * 2 / 3))


def test_without_acts_none_is_wrong(store: Store) -> None:
    assert measure_acts(store) == AutomaticActs()
    store.predictions.record([prediction()])
    acts = measure_acts(store)
    assert (acts.wrong_per_1000, acts.high_per_1000, acts.auto_share) == (0, 0, 0)

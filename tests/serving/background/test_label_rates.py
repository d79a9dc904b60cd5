"""Answers follow the labels of the newest incidents between trainings, and the service says so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fakes import HandMovedRegistry
from starlette.testclient import TestClient

from features.domain.labels import FINAL_STATE, LabelRecord, LabelSource
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.errors import StoreUnavailable
from features.store.learning.label_rates import LabelRatesRepository
from features.store.store import Store
from models.classification.choice import ChoiceModel
from serving.background.champions import ChampionPoller
from serving.background.label_rates import LabelRatePoller

LATER = datetime(2100, 1, 1, tzinfo=UTC)
ASKED = {"incident": {"title": "something is odd"}}


def report(word: str, number: int, opened_at: datetime = LATER) -> IncidentReport:
    """Return a report that is no near-copy of another one."""
    noise = np.random.default_rng(number).integers(1_000, size=3)
    title = f"{word} fails {' '.join(f'word{value}' for value in noise)}"
    moment = opened_at + timedelta(hours=number)
    return IncidentReport(id=f"{word}{number}", title=title, opened_at=moment)


@pytest.fixture(scope="module")
def model() -> ChoiceModel:
    """Incidents about something are Print as often as Network."""
    generator = np.random.default_rng(0)
    past = [
        ResolvedIncident(
            report(word, number, LATER - timedelta(days=9_000)),
            Outcome(category=label or str(generator.choice(["Print", "Network"]))),
        )
        for number in range(40)
        for word, label in (("printer", "Print"), ("vpn", "Network"), ("something", ""))
    ]
    return ChoiceModel(encoder="hashing").fit(past)


@pytest.fixture
def served(app_of, registry: HandMovedRegistry, model: ChoiceModel) -> Iterator[TestClient]:
    registry.promote("category", "7", model)
    with TestClient(app_of(registry, poll_seconds=600)) as opened:
        yield opened


def label(store: Store, count: int, source: LabelSource = LabelSource.OUTCOME) -> None:
    reports = [report("something", 1_000 + number) for number in range(count)]
    store.incidents.upsert([ResolvedIncident(one, Outcome(category="Network")) for one in reports])
    store.labels.record(
        [
            LabelRecord(one.id, "category", "Network", source, FINAL_STATE, one.opened_at)
            for one in reports
            if one.opened_at
        ]
    )


def answer(client: TestClient) -> dict:
    client.app.state.container.label_rates.poll()
    return client.post("/v1/triage", json=ASKED).json()["category"]


def rates(client: TestClient) -> dict | None:
    (shown,) = client.get("/v1/models").json()["models"]
    return shown["label_rates"]


def test_what_is_labelled_more_often_becomes_likelier_and_the_answer_says_why(
    served: TestClient, store: Store
) -> None:
    before = answer(served)
    assert rates(served) is None
    label(store, 40)
    after = answer(served)
    assert after["label"] == "Network"
    assert after["confidence"] > before["confidence"]
    assert "corrected to how often labels occur lately: in the newest 40" in after["why"][-1]
    assert rates(served)["incidents"] == 40
    assert rates(served)["log_factors"]["Network"] > 0
    assert "its answers are corrected" in served.get("/models").text
    (event,) = store.audit_log.select(action="label rates")
    assert (event.actor, event.target, event.version) == ("precedent", "category", "7")
    answer(served)
    assert len(store.audit_log.select(action="label rates")) == 1


def test_labels_that_repeat_our_own_answers_correct_nothing(
    served: TestClient, store: Store
) -> None:
    label(store, 40, LabelSource.SELF_CONFIRMED)
    assert answer(served)["why"] == []


def test_rates_of_another_version_are_not_used(
    served: TestClient, store: Store, registry: HandMovedRegistry, model: ChoiceModel
) -> None:
    label(store, 40)
    assert answer(served)["why"] != []
    registry.promote("category", "8", model)
    served.app.state.container.champions.poll()
    assert served.post("/v1/triage", json=ASKED).json()["category"]["why"] == []


def test_of_several_workers_one_estimates_and_all_read(
    registry: HandMovedRegistry, store: Store, model: ChoiceModel
) -> None:
    registry.promote("category", "7", model)
    champions = ChampionPoller(registry, 60)
    champions.poll()
    first, second = (LabelRatePoller(store, champions.current, 60) for _ in range(2))
    first.poll()
    label(store, 40)
    second.poll()
    assert second.rates == {}
    first.poll()
    second.poll()
    assert second.rates == first.rates
    assert set(second.rates) == {("category", "7")}


def test_while_the_store_fails_the_last_rates_stay(
    served: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(store, 40)
    corrected = answer(served)

    def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(LabelRatesRepository, "all", fail)
    assert answer(served) == corrected

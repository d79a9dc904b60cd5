from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fakes import HandMovedRegistry

from features.domain.labels import LabelRecord, LabelSource
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import Store
from models.classification.choice import ChoiceModel
from models.novelty.novelty_model import NoveltyModel
from serving.background.champions import ChampionPoller, Champions
from serving.background.unknown_labels import UnknownLabelPoller

PARTS = {"Network": "vpn tunnel", "Printing": "label printer"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def incident(number: int, category: str, text: str) -> ResolvedIncident:
    noise = np.random.default_rng(number).integers(100, size=3)
    words = " ".join(f"word{value}" for value in noise)
    report = IncidentReport(id=f"{category}{number}", title=f"{text} fails {words}")
    return ResolvedIncident(report, Outcome(category=category))


PAST = [incident(n, name, text) for n in range(300) for name, text in PARTS.items()]
PAYROLL = [incident(n, "Payroll", "salary payslip bonus missing wrong") for n in range(30)]


@pytest.fixture(scope="module")
def fitted() -> tuple[NoveltyModel, ChoiceModel]:
    return NoveltyModel(encoder="hashing").fit(PAST), ChoiceModel(encoder="hashing").fit(PAST)


@pytest.fixture
def poller(registry: HandMovedRegistry, store: Store, fitted) -> UnknownLabelPoller:
    novelty, choice = fitted
    registry.promote("novelty", "1", novelty)
    registry.promote("category", "1", choice)
    champions = ChampionPoller(registry, 60)
    champions.poll()
    return UnknownLabelPoller(store, champions.current, 60)


def record(
    store: Store,
    incidents: list[ResolvedIncident],
    source: LabelSource,
    given_at: datetime = NOW,
) -> None:
    store.incidents.upsert([ResolvedIncident(i.report, Outcome()) for i in incidents])
    store.labels.record(
        [
            LabelRecord(i.report.id, "category", i.outcome.category or "", source, "Ada", given_at)
            for i in incidents
        ]
    )


def test_corrections_to_an_unknown_label_stop_such_reports(poller, store, fitted) -> None:
    poller.poll()
    assert poller.unknown_labels == {}
    record(store, PAYROLL, LabelSource.CORRECTED)
    poller.poll()
    novelty, _ = fitted
    reports = [incident(n, "Payroll", "salary payslip bonus wrong").report for n in range(90, 120)]
    answers = novelty.judge(reports, poller.unknown_labels)
    assert sum(answer.resembles == {"category": "Payroll"} for answer in answers) > 20
    named = "it resembles incidents that people labelled Payroll, which the models have not learned"
    assert all(named in answer.why for answer in answers if answer.resembles)
    usual = [incident(n, "Network", PARTS["Network"]).report for n in range(500, 560)]
    assert sum(bool(a.resembles) for a in novelty.judge(usual, poller.unknown_labels)) <= 5


def test_labels_that_the_champion_knows_or_gave_itself_teach_nothing(poller, store) -> None:
    record(store, PAST[:40], LabelSource.CORRECTED)
    record(store, PAYROLL, LabelSource.SELF_CONFIRMED)
    poller.poll()
    assert poller.unknown_labels == {}


def test_a_corrected_correction_teaches_nothing(poller, store) -> None:
    record(store, PAYROLL, LabelSource.CORRECTED)
    mended = [replace(i, outcome=Outcome(category="Network")) for i in PAYROLL]
    record(store, mended, LabelSource.CORRECTED, NOW + timedelta(hours=1))
    poller.poll()
    assert poller.unknown_labels == {}


def test_kinds_return_with_the_model_of_novelty(poller, store, registry, fitted) -> None:
    record(store, PAYROLL, LabelSource.CORRECTED)
    poller.poll()
    assert set(poller.unknown_labels) == {"category"}
    serving = poller._champions().serving
    poller._champions = lambda: Champions({"category": serving["category"]}, is_known=True)
    poller.poll()
    assert poller.unknown_labels == {}
    poller._champions = lambda: Champions(serving, is_known=True)
    poller.poll()
    assert set(poller.unknown_labels) == {"category"}


def test_an_incident_without_its_text_teaches_nothing(poller, store) -> None:
    store.labels.record(
        [
            LabelRecord(f"X{n}", "category", "Payroll", LabelSource.CORRECTED, "Ada", NOW)
            for n in range(30)
        ]
    )
    poller.poll()
    assert poller.unknown_labels == {}

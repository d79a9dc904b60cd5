"""The rates of labels follow what was labelled lately, only beyond chance, and are logged."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from factories import NOON

from features.domain.label_rates import LabelRates
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.store.store import open_store
from models.base.predictions import Certificate, Decision, LabelPrediction
from models.classification.calibrated_predictor import Certification
from models.classification.choice import ChoiceModel
from models.lifecycle.label_rates import (
    LabelledReport,
    RateEstimator,
    save_label_rates,
)

TEAMS = {"printer": "Print", "vpn": "Network", "something": "Print"}
RATES = LabelRates("category", "3", {"Print": 1.0}, 40, NOON, NOON)


def report(word: str, number: int) -> IncidentReport:
    """Return a report that is no near-copy of another one."""
    noise = np.random.default_rng(number).integers(1_000, size=3)
    title = f"{word} fails {' '.join(f'word{value}' for value in noise)}"
    return IncidentReport(
        id=f"{word}{number}", title=title, opened_at=NOON + timedelta(hours=number)
    )


@pytest.fixture(scope="module")
def model() -> ChoiceModel:
    """Half of the incidents about something, about which nothing else is known, are Network."""
    generator = np.random.default_rng(0)
    past = []
    for number in range(120):
        word = list(TEAMS)[number % 3]
        label = TEAMS[word]
        if word == "something" and generator.random() < 0.5:
            label = "Network"
        past.append(ResolvedIncident(report(word, number), Outcome(category=label)))
    return ChoiceModel(encoder="hashing").fit(past)


def labelled(word: str, label: str, numbers: range) -> list[LabelledReport]:
    reports = [report(word, number) for number in numbers]
    return [
        LabelledReport(one, label, one.opened_at, one.opened_at) for one in reports if one.opened_at
    ]


def network(answer: LabelPrediction) -> float:
    """Return the confidence of Network, whether it is the answer or not."""
    others = {other.label: other.confidence for other in answer.alternatives}
    return {answer.label: answer.confidence, **others}["Network"]


def estimator(model: ChoiceModel) -> RateEstimator:
    return RateEstimator(model, "3", NOON + timedelta(hours=130))


def test_labels_that_are_more_frequent_now_are_likelier(model: ChoiceModel) -> None:
    newest = labelled("something", "Network", range(200, 240))
    rates = estimator(model).estimate(newest, NOON)
    assert rates is not None
    assert (rates.target, rates.version, rates.incidents) == ("category", "3", 40)
    assert rates.log_factors["Network"] > 0 > rates.log_factors["Print"]
    asked = [report("something", 500), report("printer", 501)]
    before, after = model.predict(asked), model.predict(asked, rates)
    assert after[0].label == "Network"
    assert after[0].confidence > network(before[0]) + 0.2
    assert after[1].label == "Print"
    assert "Network x" in after[0].why[-1]
    assert before[0].why == ()


def test_without_a_change_there_are_no_rates(model: ChoiceModel) -> None:
    generator, numbers = np.random.default_rng(1), range(200, 300)
    shares = model.predict_proba([report("something", number) for number in numbers])
    estimated = estimator(model)
    for _ in range(20):
        newest = []
        for number, probabilities in zip(numbers, shares, strict=True):
            label = str(generator.choice(model.classes_, p=probabilities))
            newest += labelled("something", label, range(number, number + 1))
        assert estimated.estimate(newest, NOON) is None


def test_few_labels_and_labels_that_the_model_does_not_know_do_not_count(
    model: ChoiceModel,
) -> None:
    few = labelled("something", "Network", range(200, 219))
    unknown = labelled("something", "Mail", range(300, 400))
    assert estimator(model).estimate(few + unknown, NOON) is None


def test_each_report_is_asked_about_once(model: ChoiceModel, monkeypatch) -> None:
    asked: list[str] = []
    predict = model.predict_proba

    def counting(reports):
        asked.extend(report.id for report in reports)
        return predict(reports)

    monkeypatch.setattr(model, "predict_proba", counting)
    estimated = estimator(model)
    newest = labelled("something", "Network", range(200, 240))
    first = estimated.estimate(newest, NOON)
    assert estimated.estimate(newest, NOON) == first
    estimated.estimate(newest + labelled("something", "Network", range(240, 242)), NOON)
    assert len(asked) == len(set(asked)) == 42


def test_changes_are_stored_and_logged_and_small_ones_are_not() -> None:
    with open_store("sqlite://") as store:
        small = replace(RATES, log_factors={"Print": 1.1})
        large = replace(RATES, log_factors={"Print": 1.3})
        saved = [
            save_label_rates("category", version, rates, store, NOON)
            for version, rates in (
                ("3", None),
                ("3", RATES),
                ("3", small),
                ("3", large),
                ("4", replace(large, version="4")),
                ("4", None),
            )
        ]
        assert saved == [False, True, False, True, True, True]
        assert store.label_rates.all() == ()
        events = store.audit_log.select(action="label rates")
        assert [event.version for event in events] == ["3", "3", "4", "4"]
        assert events[0].reason == RATES.describe()
        assert events[0].details["log_factors"] == {"Print": 1.0}


def test_near_copies_count_once(model: ChoiceModel) -> None:
    storm = [
        LabelledReport(
            replace(report("something", 200), id=f"copy{number}"),
            "Network",
            NOON + timedelta(hours=200, minutes=number),
            NOON + timedelta(hours=200, minutes=number),
        )
        for number in range(60)
    ]
    assert estimator(model).estimate(storm, NOON) is None


def test_incidents_whose_likes_may_not_be_labelled_yet_do_not_count(model: ChoiceModel) -> None:
    """Network is labelled at once and Print after a week: the newest labels are all of Network."""
    week = timedelta(hours=168)
    labelled_later = [
        replace(one, labelled_at=one.opened_at + week)
        for one in labelled("printer", "Print", range(140, 300))
    ]
    soon = labelled("vpn", "Network", range(140, 460))
    known = [one for one in labelled_later if one.labelled_at <= NOON + timedelta(hours=460)]
    selected = estimator(model)._select(known + soon)
    assert max(one.opened_at for one in selected) <= NOON + timedelta(hours=460) - week


def test_a_correction_never_makes_an_answer_auto(model: ChoiceModel) -> None:
    asked = [report("something", number) for number in range(500, 540)]
    certified = dict.fromkeys(model.classes_, Certificate(0.9, 0.8, 50))
    model.certify(Certification(certified))
    rates = replace(RATES, log_factors={"Print": 3.0})
    before, after = model.predict(asked), model.predict(asked, rates)
    assert any(one.confidence >= 0.8 for one in after)
    for old, new in zip(before, after, strict=True):
        if new.decision is Decision.AUTO:
            assert (old.decision, old.label) == (Decision.AUTO, new.label)
    model.certify(Certification())

"""Experts of the recent past: they take over after a change, and stay away without one."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.classification.choice import ChoiceModel
from models.classification.learning.fit_recent_past import DatedRows, LaterExperts
from models.classification.learning.timeline import Timeline
from models.classification.recent_past import RecentPast
from training.dataset.split import split_history

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
TEAMS = {"printer jam": "Print", "vpn down": "Network", "mail bounces": "Mail"}
AFTER = {"printer jam": "Workplace", "vpn down": "Workplace", "mail bounces": "Mail"}


def incidents(days: int, changed_on: int | None) -> list[ResolvedIncident]:
    """Three incidents a day; from a day on, two of the kinds belong to another team."""
    return [
        ResolvedIncident(
            IncidentReport(
                id=f"{day}-{kind}",
                title=f"{kind} in room {day * 37 % 101}",
                opened_at=BEGIN + timedelta(days=day),
            ),
            Outcome(assignment=(TEAMS if changed_on is None or day < changed_on else AFTER)[kind]),
        )
        for day in range(days)
        for kind in TEAMS
    ]


@cache
def fitted(days: int, changed_on: int | None) -> ChoiceModel:
    past = incidents(days, changed_on)
    split = split_history(History(incidents=tuple(past)))
    model = ChoiceModel(target="assignment", encoder="hashing")
    return model.fit(past, split.folds, split.copies, follows_time=True)


def test_after_a_change_the_recent_past_decides() -> None:
    model = fitted(240, changed_on=225)
    assert model.recent_past_ is not None
    assert model.recent_past_.weights.sum() == pytest.approx(1)
    newest = max(model.recent_past_.experts)
    assert newest >= f"since {BEGIN + timedelta(days=225):%Y-%m-%d}"
    assert newest[: len("since 2024-08-13")] in model.recent_past_.describe()
    before, after = model.recent_past_.losses
    assert after < before
    report = IncidentReport(id="new", title="vpn down in room 7")
    assert model.predict([report])[0].label == "Workplace"


def test_without_a_change_the_model_of_all_the_past_stays_alone() -> None:
    assert fitted(200, changed_on=None).recent_past_ is None


def test_without_times_there_is_no_recent_past() -> None:
    model = ChoiceModel(target="assignment", encoder="hashing").fit(incidents(40, changed_on=None))
    assert model.recent_past_ is None


def test_the_answer_of_a_round_rests_on_what_was_known_before_it() -> None:
    past = incidents(60, changed_on=None)
    rows = dated(past)
    known = rows.known_at(rows.timeline.opened[90])
    assert known.tolist() == list(range(90))


def test_experts_learn_from_a_start_on_and_only_when_there_is_more_to_learn() -> None:
    rows = dated(incidents(60, changed_on=None))
    opened = rows.timeline.opened
    experts = LaterExperts(rows)
    experts.refit(opened[90], [opened[0], opened[60], opened[84]])
    assert set(experts.experts) == {opened[0], opened[60]}
    first = experts.experts[opened[0]]
    experts.refit(opened[96], [opened[0], opened[75]])
    assert experts.experts[opened[0]] is first
    assert set(experts.experts) == {opened[0], opened[75]}


def dated(past: list[ResolvedIncident]) -> DatedRows:
    model = ChoiceModel(target="assignment", encoder="hashing").fit(past)
    encoded = model._encode([incident.report for incident in past])
    labels = model.example_labels_
    return DatedRows(encoded, labels, Timeline.of(past), np.arange(len(past)))


def test_a_mixture_of_probabilities_is_a_probability() -> None:
    model = fitted(240, changed_on=225)
    reports = [IncidentReport(id=kind, title=kind) for kind in TEAMS]
    probabilities = model.predict_proba(reports)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3))
    assert isinstance(model.recent_past_, RecentPast)


def test_words_that_only_recent_experts_know_are_evidence_too() -> None:
    model = fitted(240, changed_on=225)
    evidence = model.predict([IncidentReport(id="new", title="vpn down in room 7")])[0].evidence
    assert {token.token for token in evidence.tokens} & {"vpn", "down"}

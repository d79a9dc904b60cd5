"""What must never happen when a report is doubled, signed, greeted, or followed by other topics."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from features.home import Home
from models.base.predictions import Decision, LabelPrediction
from models.classification.calibrated_model import CalibratedModel
from models.novelty.novelty_gate import restrict
from models.novelty.novelty_model import NoveltyModel
from training.dataset.split import split_history
from training.demo.incidents import generate_company
from training.evaluation.binomial_intervals import upper_bound
from training.pipeline.fit import encode_history, fit_and_judge, prove
from training.pipeline.train import choose_targets
from training.pipeline.train_novelty import train_novelty
from training.plan import TrainingPlan

pytestmark = [pytest.mark.quality, pytest.mark.timeout(900)]

OFF_TOPIC = Path(os.environ.get("PRECEDENT_DATA", "../shared/data")) / "off-topic" / "dev.jsonl"
SIGNATURE = "\n\nBest regards,\nAnna Berger\nService Desk | Phone 555 0100"
GREETING = "Hello team,\n\n"
APPENDED = 1_000

Reports = Sequence[IncidentReport]


@dataclass(frozen=True)
class Answers:
    """Answers about categories as a server gives them."""

    model: CalibratedModel
    novelty: NoveltyModel

    def __call__(self, reports: Reports) -> list[LabelPrediction]:
        predictions = self.model.predict(reports)
        judgements = self.novelty.predict(reports)
        return [
            restrict("category", prediction, judgement)
            for prediction, judgement in zip(predictions, judgements, strict=True)
        ]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    home = Home(tmp_path_factory.mktemp("home"))
    history = History(incidents=generate_company(seed=3).incidents)
    plan = TrainingPlan(home, "default", home.database_url, MINILM, ("category",))
    (target,), _ = choose_targets(history, plan.targets)
    encode_history(history, plan, lambda *_: None)
    split = split_history(history)
    novelty = train_novelty(history, split, plan, lambda *_: None)
    model, evaluation = fit_and_judge(history, target, split, plan, allows_auto=novelty.allows_auto)
    model.certify(prove(model, evaluation, split, plan))
    assert novelty.model is not None
    return Answers(model, novelty.model)


@pytest.fixture(scope="module")
def held_out() -> list[IncidentReport]:
    """Reports of another year of the same company."""
    return [incident.report for incident in generate_company(seed=11, incidents=500).incidents]


def is_auto(answer: LabelPrediction) -> bool:
    return answer.decision is Decision.AUTO


def edited(reports: Reports, edit: Callable[[str], str]) -> list[IncidentReport]:
    return [replace(report, description=edit(report.description)) for report in reports]


def test_doubling_a_text_turns_no_auto_label_into_another(
    answers: Answers, held_out: Reports
) -> None:
    before, after = answers(held_out), answers(edited(held_out, lambda text: f"{text} {text}"))
    assert any(map(is_auto, before))
    pairs = list(zip(before, after, strict=True))
    assert not [1 for a, b in pairs if is_auto(a) and is_auto(b) and a.label != b.label]
    assert np.mean([a.label != b.label for a, b in pairs]) <= 0.01


@pytest.mark.parametrize(
    "edit", [lambda text: text + SIGNATURE, lambda text: GREETING + text], ids=["signed", "greeted"]
)
def test_a_signature_or_greeting_costs_hardly_any_auto(
    answers: Answers, held_out: Reports, edit: Callable[[str], str]
) -> None:
    before = np.mean([is_auto(answer) for answer in answers(held_out)])
    after = np.mean([is_auto(answer) for answer in answers(edited(held_out, edit))])
    assert before - after <= 0.02


def test_other_topics_appended_to_a_report_that_abstains_make_it_no_auto(
    answers: Answers, held_out: Reports
) -> None:
    if not OFF_TOPIC.exists():
        pytest.skip(f"no data: {OFF_TOPIC} does not exist; set PRECEDENT_DATA to its folder")
    texts = [json.loads(line)["text"] for line in OFF_TOPIC.read_text().splitlines()]
    strange = [IncidentReport(id=f"S{n}", title=text) for n, text in enumerate(texts)]
    abstaining = [
        report
        for report, answer in zip(strange, answers(strange), strict=True)
        if answer.decision is Decision.ABSTAIN
    ][:200]
    assert len(abstaining) == 200
    appended = [
        replace(abstaining[row % 200], description=texts[-1 - row]) for row in range(APPENDED)
    ]
    auto = sum(map(is_auto, answers(appended)))
    assert upper_bound(auto, APPENDED, 0.05) <= 0.005


def test_other_topics_are_not_answered_auto(answers: Answers) -> None:
    if not OFF_TOPIC.exists():
        pytest.skip(f"no data: {OFF_TOPIC} does not exist; set PRECEDENT_DATA to its folder")
    texts = [json.loads(line)["text"] for line in OFF_TOPIC.read_text().splitlines()]
    reports = [IncidentReport(id=f"S{n}", title=text) for n, text in enumerate(texts)]
    assert np.mean([is_auto(answer) for answer in answers(reports)]) <= 0.01

"""Evaluation: held-out rows beside a baseline that saw no more than the model."""

from types import SimpleNamespace

import numpy as np
import pytest

from features.domain.history import History
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from models.classification.conformal_sets import LabelSets
from models.classification.drift_doubt import DriftDoubt
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold
from models.kinds import build_model
from training.dataset.split import Split, split_history
from training.dataset.targets import Target, find_targets
from training.demo.incidents import DemoCompany, generate_company
from training.evaluation.evaluate import Evaluation, evaluate

LABELS = ("a", "a", "b", None, "a", "b", "b", "a")


def split_of(folds: tuple[Fold, ...], rows: int) -> Split:
    return Split(folds, np.arange(rows), np.arange(rows), "by hand")


def reports(rows: int) -> list[IncidentReport]:
    return [IncidentReport(id=str(n), title=f"report {n}") for n in range(rows)]


@pytest.fixture
def by_hand() -> Evaluation:
    """Eight incidents of which the last four are judged by the first four."""
    cross_fit = CrossFit(
        np.array([7, 4, 5, 6]), np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.5, 0.5]])
    )
    model = SimpleNamespace(
        classes_=["a", "b"],
        cross_fit_=cross_fit,
        label_sets_=LabelSets(),
        drift_doubt_=DriftDoubt(),
        may_be_auto=lambda _reports, predicted: predicted == 0,
        are_concentrated=lambda probabilities: np.ones(len(probabilities), dtype=np.bool_),
    )
    folds = (Fold(np.arange(4), np.arange(4, 8)),)
    return evaluate(model, Target("category", LABELS), split_of(folds, 8), reports(8))


def test_answer_that_is_never_auto_has_no_confidence_to_act_on(by_hand: Evaluation) -> None:
    assert by_hand.actionable.confidence.tolist() == [0.9, 0, 0, 0.5]
    assert by_hand.judged.confidence.tolist() == [0.9, 0.8, 0.6, 0.5]


def test_judgement_by_hand(by_hand: Evaluation) -> None:
    assert by_hand.rows.tolist() == [7, 4, 5, 6]
    assert by_hand.judged.labels.tolist() == [0, 0, 1, 1]
    assert by_hand.judged.predicted.tolist() == [0, 1, 1, 0]
    assert by_hand.judged.confidence.tolist() == [0.9, 0.8, 0.6, 0.5]
    assert by_hand.judged.log_loss == pytest.approx(-np.log([0.9, 0.2, 0.6, 0.5]))
    assert by_hand.judged.blocks.tolist() == [7, 4, 5, 6]


def test_baseline_learns_only_from_the_fitting_rows(by_hand: Evaluation) -> None:
    # Two "a", one "b" and an unlabelled one to learn from, each label counted once more.
    assert by_hand.baseline.predicted.tolist() == [0, 0, 0, 0]
    assert by_hand.baseline.confidence.tolist() == [0.6] * 4
    assert by_hand.baseline.log_loss == pytest.approx(-np.log([0.6, 0.6, 0.4, 0.4]))


def test_metrics_stand_beside_the_baseline(by_hand: Evaluation) -> None:
    metrics = {metric.name: metric for metric in by_hand.metrics}
    assert list(metrics) == ["accuracy", "macro_f1", "log_loss", "ece", "coverage_at_92"]
    assert metrics["accuracy"].value == 0.5
    assert metrics["accuracy"].baseline == 0.5
    assert metrics["accuracy"].baseline_name == "most frequent label"
    assert metrics["accuracy"].low <= 0.5 <= metrics["accuracy"].high


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return generate_company(incidents=200)


@pytest.mark.parametrize("name", ["category", "severity"])
def test_fitted_model_is_judged_on_what_it_had_not_seen(company: DemoCompany, name: str) -> None:
    history = History(company.incidents, severity_levels=company.severity_levels)
    split = split_history(history)
    target = next(candidate for candidate in find_targets(history)[0] if candidate.name == name)
    model = build_model(name, levels=target.levels, encoder="hashing", seed=0)
    model.fit(company.incidents, split.folds)
    seen = [incident.report for incident in company.incidents]
    evaluation = evaluate(model, target, split, seen)
    judged = {int(row) for fold in split.folds for row in fold.judge}
    assert set(evaluation.rows.tolist()) <= judged
    assert all(target.labels[row] is not None for row in evaluation.rows)
    # What is judged is the label that the model answers with, not always the likeliest.
    likeliest = model.cross_fit_.probabilities.argmax(axis=1)
    answered = likeliest if name == "category" else model.cross_fit_.predicted
    assert evaluation.judged.predicted.tolist() == answered.tolist()
    metrics = {metric.name: metric for metric in evaluation.metrics}
    assert ("quadratic_kappa" in metrics) == (name == "severity")
    assert metrics["set coverage"].high >= 0.9
    assert 1 <= metrics["mean set size"].value <= len(model.classes_)
    assert evaluation.slice_metrics
    assert all(metric.low <= metric.score <= metric.high for metric in evaluation.slice_metrics)
    assert evaluation.copies.tolist() == split.copies[evaluation.rows].tolist()
    telling = metrics["quadratic_kappa" if name == "severity" else "accuracy"]
    assert telling.value > telling.baseline + 0.1


def test_shuffled_labels_are_not_better_than_the_baseline(company: DemoCompany) -> None:
    rng = np.random.default_rng(0)
    incidents = tuple(
        ResolvedIncident(incident.report, Outcome(category="abc"[rng.integers(3)]))
        for incident in company.incidents
    )
    history = History(incidents)
    split = split_history(history)
    (target,), _ = find_targets(history)
    model = build_model("category", levels=(), encoder="hashing", seed=0)
    model.fit(incidents, split.folds)
    evaluation = evaluate(model, target, split, [incident.report for incident in incidents])
    metrics = {metric.name: metric for metric in evaluation.metrics}
    assert metrics["accuracy"].value < 0.5
    assert metrics["accuracy"].low <= metrics["accuracy"].baseline <= metrics["accuracy"].high

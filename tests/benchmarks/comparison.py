"""Peers and ours side by side: fitted on the same folds, judged on the same rows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from figures import Contender, Figure, Floats, choose_figures
from peers import Peers, choose_peers, encode_for_peers
from sklearn.pipeline import Pipeline

from features.domain.history import History
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from features.home import Home
from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from training.dataset.split import Split
from training.dataset.targets import Target
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import HeldOutPredictions, compare, measure
from training.pipeline.fit import fit_and_judge, prepare
from training.pipeline.train import choose_targets
from training.plan import TrainingPlan

OURS = "Precedent"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every contender's figures, and how far ours is from the best peer in each figure.

    `differences` gives that peer's name and ours less theirs, paired by row.
    """

    rows: int
    split: str
    seconds: Mapping[str, float]
    figures: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, tuple[str, Estimate]]


def compare_with_peers(
    history: History, target_name: str, home: Home, *, without: Collection[str] = ()
) -> Comparison:
    """Fit and judge ours and every peer, save those `without`, on one target of a history."""
    plan = TrainingPlan(home, "default", home.database_url, MINILM, (target_name,))
    (target,), _ = choose_targets(history, plan.targets)
    split, _ = prepare(history, plan, lambda *_: None)
    reports = [incident.report for incident in history.incidents]
    encode_for_peers(reports, home)
    ours, evaluation = _judge_ours(history, target, split, plan)
    chosen = {name: build for name, build in choose_peers(reports).items() if name not in without}
    peers = _judge_peers(chosen, history, target, split, evaluation)
    everyone = {OURS: ours, **peers}
    figures = choose_figures(ordered=target.is_ordered)
    return Comparison(
        rows=len(evaluation.rows),
        split=split.description,
        seconds={name: contender.seconds for name, contender in everyone.items()},
        figures={name: _measure(contender, figures) for name, contender in everyone.items()},
        differences=_differences(ours, peers, figures),
    )


def _judge_ours(
    history: History, target: Target, split: Split, plan: TrainingPlan
) -> tuple[Contender, Evaluation]:
    started = perf_counter()
    model, evaluation = fit_and_judge(history, target, split, plan)
    seconds = perf_counter() - started
    return Contender(evaluation.judged, model.cross_fit_.probabilities, seconds), evaluation


def _judge_peers(
    peers: Peers, history: History, target: Target, split: Split, evaluation: Evaluation
) -> dict[str, Contender]:
    reports = np.array([incident.report for incident in history.incidents], dtype=object)
    numbers = {label: number for number, label in enumerate(evaluation.classes)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    contenders = {}
    for name, build in peers.items():
        started = perf_counter()
        scores, are_probabilities = _cross_fitted(build, reports, labels, split)
        seconds = perf_counter() - started
        scores = scores[evaluation.rows]
        judged = _judge(scores, evaluation.judged)
        contenders[name] = Contender(judged, scores if are_probabilities else None, seconds)
    return contenders


def _cross_fitted(
    build: Callable[[], Pipeline], reports: np.ndarray, labels: Rows, split: Split
) -> tuple[Floats, bool]:
    """Return scores of shape (reports, classes), and whether they are probabilities."""
    scores = np.zeros((len(labels), labels.max() + 1))
    for fold in split.folds:
        fit, judge = (rows[labels[rows] >= 0] for rows in (fold.fit, fold.judge))
        if len(judge) and len(set(labels[fit])) > 1:
            peer = build().fit(reports[fit], labels[fit])
            _score(peer, reports[judge], judge, scores)
    return scores, hasattr(build(), "predict_proba")


def _score(peer: Pipeline, reports: list[IncidentReport], rows: Rows, scores: Floats) -> None:
    """Write a fitted peer's probabilities, or 1 for its choice when it has none."""
    if hasattr(peer, "predict_proba"):
        scores[np.ix_(rows, peer.classes_)] = peer.predict_proba(reports)
    else:
        scores[rows, peer.predict(reports)] = 1


def _judge(scores: Floats, ours: HeldOutPredictions) -> HeldOutPredictions:
    place, predicted = np.arange(len(scores)), scores.argmax(axis=1)
    loss = -np.log(np.maximum(scores[place, ours.labels], 1e-9))
    confidence = scores[place, predicted]
    return HeldOutPredictions(ours.labels, predicted, confidence, loss, ours.blocks, ours.classes)


def _measure(contender: Contender, figures: Mapping[str, Figure]) -> dict[str, Estimate]:
    views = {name: figure.view(contender) for name, figure in figures.items()}
    return {n: measure(figures[n].metric, view) for n, view in views.items() if view is not None}


def _differences(
    ours: Contender, peers: Mapping[str, Contender], figures: Mapping[str, Figure]
) -> dict[str, tuple[str, Estimate]]:
    """Compare with the best peer in each figure; a figure that no peer has is left out."""
    differences = {}
    for name, figure in figures.items():
        views = {peer: figure.view(contender) for peer, contender in peers.items()}
        views = {peer: view for peer, view in views.items() if view is not None}
        if views:
            best = _best(views, figure)
            differences[name] = (best, compare(figure.metric, figure.view(ours), views[best]))
    return differences


def _best(views: Mapping[str, HeldOutPredictions], figure: Figure) -> str:
    values = {peer: figure.metric(v, np.ones(len(v.labels))) for peer, v in views.items()}
    return (min if figure.is_better_low else max)(values, key=values.__getitem__)

"""The figures of a replay, and ours less the best window of the best peer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from replay_peers import ALL_OF_THE_PAST
from replay_units import ReplayedAnswers

from models.base.estimate import Estimate
from training.evaluation.metrics import (
    HeldOutPredictions,
    Metric,
    accuracy,
    compare,
    expected_calibration_error,
    log_loss,
    measure,
    take_rows,
)


@dataclass(frozen=True, slots=True)
class ReplayComparison:
    """Each contender's figures, and ours less the best peer in each figure, chosen afterwards.

    Intervals resample whole units. `differences` gives for each row of differences and each figure
    the name of the best peer, and ours less theirs on the same incidents. `notes` say what the
    table cannot.
    """

    answered: int
    units: str
    seconds: Mapping[str, float]
    figures: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Mapping[str, tuple[str, Estimate]]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Figure:
    metric: Metric
    view: Callable[[HeldOutPredictions], HeldOutPredictions]
    is_better_low: bool = False


def compare_replayed(
    ours: Mapping[str, ReplayedAnswers],
    baselines: Mapping[str, ReplayedAnswers],
    peers: Mapping[str, ReplayedAnswers],
    notes: tuple[str, ...] = (),
) -> ReplayComparison:
    """Measure every contender; compare each of ours with the best peer, in any window or in all."""
    everyone = {**ours, **baselines, **peers}
    some = next(iter(everyone.values()))
    return ReplayComparison(
        answered=len(some.judged.labels),
        units=f"{len(some.starts)} units from {some.starts[0].date()} to {some.starts[-1].date()}",
        seconds={name: answers.seconds for name, answers in everyone.items()},
        figures={name: _measure(answers) for name, answers in everyone.items()},
        differences={
            f"{name} less the best {title}": _differences(answers, rivals)
            for name, answers in ours.items()
            for title, rivals in _rivals(peers).items()
        },
        notes=notes,
    )


def _rivals(peers: Mapping[str, ReplayedAnswers]) -> dict[str, Mapping[str, ReplayedAnswers]]:
    of_all = {name: answers for name, answers in peers.items() if name.endswith(ALL_OF_THE_PAST)}
    return {"window": peers, "peer of all the past": of_all}


def _measure(answers: ReplayedAnswers) -> dict[str, Estimate]:
    return {
        name: measure(figure.metric, figure.view(answers.judged))
        for name, figure in _FIGURES.items()
    }


def _differences(
    ours: ReplayedAnswers, peers: Mapping[str, ReplayedAnswers]
) -> dict[str, tuple[str, Estimate]]:
    differences = {}
    for name, figure in _FIGURES.items():
        views = {peer: figure.view(answers.judged) for peer, answers in peers.items()}
        values = {peer: figure.metric(v, np.ones(len(v.labels))) for peer, v in views.items()}
        best = (min if figure.is_better_low else max)(values, key=values.__getitem__)
        difference = compare(figure.metric, figure.view(ours.judged), views[best])
        differences[name] = best, difference
    return differences


def _all_answers(judged: HeldOutPredictions) -> HeldOutPredictions:
    return judged


def _later_half(judged: HeldOutPredictions) -> HeldOutPredictions:
    count = len(judged.labels)
    return take_rows(judged, np.arange(count // 2, count))


_FIGURES = {
    "accuracy": _Figure(accuracy, _all_answers),
    "accuracy, later half": _Figure(accuracy, _later_half),
    "ECE": _Figure(expected_calibration_error, _all_answers, is_better_low=True),
    "log loss": _Figure(log_loss, _all_answers, is_better_low=True),
}

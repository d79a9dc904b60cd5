"""Figures of merit of a method's answers, and which of them is for which kind of target."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.metrics import (
    HeldOutPredictions,
    Metric,
    accuracy,
    coverage_at_wanted_accuracy,
    expected_calibration_error,
    macro_f1,
    quadratic_kappa,
)

Floats = NDArray[np.float64]

_FLAGGED = 0.05
_LEVELS_FOR_TWO_TOP = 4


@dataclass(frozen=True, slots=True)
class Contender:
    """A method's answers on the judged rows.

    `probabilities` has shape (rows, classes), None from a method that gives none. `seconds` is the
    wall time of all fitting and judging, without encoding.
    """

    judged: HeldOutPredictions
    probabilities: Floats | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric, and what of a contender it judges; None where the contender lacks that."""

    metric: Metric
    view: Callable[[Contender], HeldOutPredictions | None]
    is_better_low: bool = False


def choose_figures(*, ordered: bool) -> Mapping[str, Figure]:
    """Return the figures for severity or for a choice."""
    return _SEVERITY_FIGURES if ordered else _CHOICE_FIGURES


def recall_at_flagged(judged: HeldOutPredictions, weight: Floats) -> float:
    """Return the share of label 1 among the 5% of rows with the highest confidence."""
    order = np.argsort(-judged.confidence, kind="stable")
    flagged = order[np.cumsum(weight[order]) <= _FLAGGED * weight.sum()]
    wanted = weight * judged.labels
    return float(wanted[flagged].sum() / wanted.sum()) if wanted.sum() else 0.0


def _answers(contender: Contender) -> HeldOutPredictions:
    return contender.judged


def _sure_answers(contender: Contender) -> HeldOutPredictions | None:
    return None if contender.probabilities is None else contender.judged


def _flags(contender: Contender) -> HeldOutPredictions | None:
    """Ask only whether a row is of the top two levels; of the top one where there are but three."""
    if contender.probabilities is None:
        return None
    judged = contender.judged
    top = judged.classes - (2 if judged.classes >= _LEVELS_FOR_TWO_TOP else 1)
    reached = contender.probabilities[:, top:].sum(axis=1)
    wanted = (judged.labels >= top).astype(np.int64)
    return HeldOutPredictions(
        wanted, np.ones_like(wanted), reached, judged.log_loss, judged.blocks, 2
    )


_SURENESS = {
    "ECE": Figure(expected_calibration_error, _sure_answers, is_better_low=True),
    "coverage at 92%": Figure(coverage_at_wanted_accuracy, _sure_answers),
}
_CHOICE_FIGURES = {
    "accuracy": Figure(accuracy, _answers),
    "macro-F1": Figure(macro_f1, _answers),
    **_SURENESS,
}
_SEVERITY_FIGURES = {
    "accuracy": Figure(accuracy, _answers),
    "quadratic kappa": Figure(quadratic_kappa, _answers),
    "recall at 5% flagged": Figure(recall_at_flagged, _flags),
    **_SURENESS,
}

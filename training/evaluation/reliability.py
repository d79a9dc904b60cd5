"""Reliability of confidences: measured by confidence bin and by class, and plotted."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.base.model_card import Card, ClassReliability, ConfidenceBin
from training.evaluation.metrics import CONFIDENCE_BINS, HeldOutPredictions, confidence_bins

if TYPE_CHECKING:  # imported at run time by draw_reliability
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_NAMED_CLASSES = 5
_DOT_AREA = 400.0
_SMALLEST_DOT = 6.0


def reliability_by_bin(predictions: HeldOutPredictions) -> tuple[ConfidenceBin, ...]:
    """Return the confidence bins that hold predictions, the least confident first."""
    numbers = confidence_bins(predictions.confidence)
    is_right = predictions.labels == predictions.predicted
    return tuple(
        ConfidenceBin(
            low=number / CONFIDENCE_BINS,
            high=(number + 1) / CONFIDENCE_BINS,
            n=int(is_in_bin.sum()),
            mean_confidence=float(predictions.confidence[is_in_bin].mean()),
            accuracy=float(is_right[is_in_bin].mean()),
        )
        for number in np.unique(numbers).tolist()
        for is_in_bin in [numbers == number]
    )


def reliability_by_class(
    predictions: HeldOutPredictions, classes: Sequence[str]
) -> tuple[ClassReliability, ...]:
    """Return the reliability of each class that is labelled or predicted, in class order."""
    labelled = np.bincount(predictions.labels, minlength=len(classes))
    predicted = np.bincount(predictions.predicted, minlength=len(classes))
    is_right = predictions.labels == predictions.predicted
    right_counts = np.bincount(predictions.labels[is_right], minlength=len(classes))
    confidence = np.bincount(predictions.predicted, predictions.confidence, len(classes))
    return tuple(
        ClassReliability(
            label=classes[number],
            labelled=int(labelled[number]),
            predicted=int(predicted[number]),
            precision=_share(right_counts[number], predicted[number]),
            recall=_share(right_counts[number], labelled[number]),
            mean_confidence=_share(confidence[number], predicted[number]),
        )
        for number in np.flatnonzero(labelled + predicted).tolist()
    )


def draw_reliability(card: Card, fonts: Path) -> "Figure":
    """Plot a card's reliability; `fonts` is the folder where matplotlib keeps its list of fonts.

    Left: accuracy against confidence by bin (Murphy and Winkler 1977), and below it the number of
    predictions in each bin. Right: precision against mean confidence, one dot per class.
    """
    # Imported here because importing matplotlib takes a second. Without MPLCONFIGDIR matplotlib
    # writes to the user's home.
    os.environ.setdefault("MPLCONFIGDIR", str(fonts))
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1))
    _draw_bins(figure.add_subplot(grid[0, 0]), card.reliability)
    _draw_counts(figure.add_subplot(grid[1, 0]), card.reliability)
    _draw_classes(figure.add_subplot(grid[:, 1]), card.class_reliability)
    figure.suptitle(f"{card.target}: held-out reliability")
    return figure


def _draw_bins(axes: "Axes", bins: Sequence[ConfidenceBin]) -> None:
    _draw_diagonal(axes)
    confidences = [bin_.mean_confidence for bin_ in bins]
    axes.plot(confidences, [bin_.accuracy for bin_ in bins], marker="o")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title="by confidence")


def _draw_counts(axes: "Axes", bins: Sequence[ConfidenceBin]) -> None:
    bars = axes.bar(
        [bin_.low for bin_ in bins],
        [bin_.n for bin_ in bins],
        width=[bin_.high - bin_.low for bin_ in bins],
        align="edge",
        edgecolor="white",
    )
    axes.bar_label(bars, fontsize="small")
    axes.margins(y=0.2)
    axes.set(xlim=(0, 1), xlabel="confidence", ylabel="predictions")


def _draw_classes(axes: "Axes", classes: Sequence[ClassReliability]) -> None:
    """Draw a dot for each predicted class, and name the five most often predicted ones."""
    _draw_diagonal(axes)
    dots = [
        (
            reliability.predicted,
            reliability.mean_confidence,
            reliability.precision,
            reliability.label,
        )
        for reliability in sorted(classes, key=lambda item: -item.predicted)
        if reliability.mean_confidence is not None and reliability.precision is not None
    ]
    largest = max((count for count, *_ in dots), default=1)
    for place, (count, confidence, precision, label) in enumerate(dots):
        area = max(_DOT_AREA * count / largest, _SMALLEST_DOT)
        axes.scatter(confidence, precision, s=area, color="C0", alpha=0.5)
        if place < _MAX_NAMED_CLASSES:
            name = axes.annotate(label, (confidence, precision), fontsize="small", parse_math=False)
            name.set_in_layout(False)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="mean confidence", ylabel="precision")
    axes.set_title("by predicted class (area: predictions)")


def _draw_diagonal(axes: "Axes") -> None:
    axes.plot((0, 1), (0, 1), color="grey", linestyle=":", linewidth=1)


def _share(count: float, total: float) -> float | None:
    return float(count / total) if total else None

"""Whether confidences can be believed: by bin and by class, as numbers and as a picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.base.model_card import Card, ClassReliability, ConfidenceBin
from training.evaluation.metrics import CONFIDENCE_BINS, HeldOutPredictions, confidence_bins

if TYPE_CHECKING:  # see draw_reliability
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED_CLASSES = 5
_DOT_AREA = 400.0
_SMALLEST_DOT = 6.0


def reliability_by_bin(judged: HeldOutPredictions) -> tuple[ConfidenceBin, ...]:
    """Return the bins of the calibration error that hold a prediction, the least sure first."""
    numbers = confidence_bins(judged.confidence)
    right = judged.labels == judged.predicted
    return tuple(
        ConfidenceBin(
            low=number / CONFIDENCE_BINS,
            high=(number + 1) / CONFIDENCE_BINS,
            n=int(here.sum()),
            mean_confidence=float(judged.confidence[here].mean()),
            accuracy=float(right[here].mean()),
        )
        for number in np.unique(numbers).tolist()
        for here in [numbers == number]
    )


def reliability_by_class(
    judged: HeldOutPredictions, classes: Sequence[str]
) -> tuple[ClassReliability, ...]:
    """Return one account per class that was labelled or predicted, in the classes' order."""
    labelled = np.bincount(judged.labels, minlength=len(classes))
    predicted = np.bincount(judged.predicted, minlength=len(classes))
    right = judged.labels == judged.predicted
    hits = np.bincount(judged.labels[right], minlength=len(classes))
    confidence = np.bincount(judged.predicted, judged.confidence, len(classes))
    return tuple(
        ClassReliability(
            label=classes[number],
            labelled=int(labelled[number]),
            predicted=int(predicted[number]),
            precision=_share(hits[number], predicted[number]),
            recall=_share(hits[number], labelled[number]),
            mean_confidence=_share(confidence[number], predicted[number]),
        )
        for number in np.flatnonzero(labelled + predicted).tolist()
    )


def draw_reliability(card: Card, fonts: Path) -> "Figure":
    """Draw a card's reliability; `fonts` is the folder where matplotlib keeps its list of fonts.

    On the left accuracy against confidence by bin (Murphy and Winkler 1977), above the number of
    predictions; on the right precision against mean confidence, a dot per class.
    """
    # It takes a second to import, and then writes to the user's folders unless told where to.
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
    sure = [each.mean_confidence for each in bins]
    axes.plot(sure, [each.accuracy for each in bins], marker="o")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title="by confidence")


def _draw_counts(axes: "Axes", bins: Sequence[ConfidenceBin]) -> None:
    bars = axes.bar(
        [each.low for each in bins],
        [each.n for each in bins],
        width=[each.high - each.low for each in bins],
        align="edge",
        edgecolor="white",
    )
    axes.bar_label(bars, fontsize="small")
    axes.margins(y=0.2)
    axes.set(xlim=(0, 1), xlabel="confidence", ylabel="predictions")


def _draw_classes(axes: "Axes", classes: Sequence[ClassReliability]) -> None:
    """Draw the classes that were predicted; the most frequent ones are named."""
    _draw_diagonal(axes)
    shown = [
        (each.predicted, each.mean_confidence, each.precision, each.label)
        for each in sorted(classes, key=lambda each: -each.predicted)
        if each.mean_confidence is not None and each.precision is not None
    ]
    most = max((predicted for predicted, *_ in shown), default=1)
    for place, (predicted, sure, precision, label) in enumerate(shown):
        area = max(_DOT_AREA * predicted / most, _SMALLEST_DOT)
        axes.scatter(sure, precision, s=area, color="C0", alpha=0.5)
        if place < _NAMED_CLASSES:
            name = axes.annotate(label, (sure, precision), fontsize="small", parse_math=False)
            name.set_in_layout(False)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="mean confidence", ylabel="precision")
    axes.set_title("by predicted class (area: predictions)")


def _draw_diagonal(axes: "Axes") -> None:
    axes.plot((0, 1), (0, 1), color="grey", linestyle=":", linewidth=1)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None

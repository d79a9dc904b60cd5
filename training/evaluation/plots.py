"""Plots of held-out predictions for MLflow: the confusion matrix, and precision by coverage."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.base.model_card import Card
from models.base.predictions import Certificate

if TYPE_CHECKING:  # imported at run time by _new_figure
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_CLASSES = 20
_MAX_NUMBERED_CLASSES = 12
_MAX_CERTIFIED_LABELS = 15
_OTHER = "(other)"
_DARK_SHARE = 0.5


def draw_confusion(predictions: pd.DataFrame, card: Card, fonts: Path) -> "Figure":
    """Draw the confusion matrix: for each label, the share of its incidents per predicted label.

    `predictions` has the columns `label`, `predicted` and `confidence` of each held-out incident.
    `fonts` is the folder where matplotlib keeps its list of fonts. The 20 most frequent
    labels are drawn; all other labels are drawn as one label.
    """
    counts = _confusion_counts(predictions)
    figure = _new_figure(fonts, side=4 + 0.4 * len(counts))
    axes = figure.add_subplot()
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names, ticks = counts.columns.tolist(), range(len(counts))
    axes.set_xticks(ticks, names, rotation=90, parse_math=False)
    axes.set_yticks(ticks, names, parse_math=False)
    axes.set(xlabel="predicted label", ylabel="right label")
    axes.set_title(f"{card.target}: held-out confusion matrix")
    if len(counts) <= _MAX_NUMBERED_CLASSES:
        for (row, column), share in np.ndenumerate(shares):
            shade = "white" if share > _DARK_SHARE else "black"
            number = str(counts.iat[row, column])
            axes.text(column, row, number, ha="center", va="center", color=shade, fontsize="small")
    return figure


def draw_coverage(predictions: pd.DataFrame, card: Card, fonts: Path) -> "Figure":
    """Draw precision against the share of incidents answered, and by certified label.

    In the left plot, the most confident predictions are answered first, and a star marks the
    answers of `auto`. The right plot shows the precision of the predictions that reach their
    label's threshold, for up to 15 certified labels; there is no right plot without certificates.
    Dashed lines mark the highest precision that a certificate proves.
    """
    figure = _new_figure(fonts, side=6, width=12 if card.certificates else 6)
    right = (predictions["label"] == predictions["predicted"]).to_numpy()
    curve, *certified_axes = figure.subplots(1, 2 if card.certificates else 1, squeeze=False)[0]
    order = np.argsort(-predictions["confidence"].to_numpy(), kind="stable")
    answer_counts = np.arange(1, len(order) + 1)
    precision = np.cumsum(right[order]) / answer_counts
    curve.plot(answer_counts / len(order), precision, label="most confident first")
    for axes in certified_axes:
        _draw_certified(curve, axes, predictions.assign(right=right), card.certificates)
    curve.set(xlim=(0, 1), xlabel="share of the incidents answered", ylabel="precision")
    curve.legend(loc="lower left")
    figure.suptitle(f"{card.target}: held-out precision by coverage")
    return figure


def _draw_certified(
    curve: "Axes", axes: "Axes", predictions: pd.DataFrame, certificates: Mapping[str, Certificate]
) -> None:
    thresholds = {label: certificate.threshold for label, certificate in certificates.items()}
    needed = predictions["predicted"].map(thresholds).fillna(np.inf).to_numpy(dtype=np.float64)
    auto = predictions[predictions["confidence"].to_numpy() >= needed]
    promised = max(certificate.precision_at_least for certificate in certificates.values())
    for plot, line in ((curve, curve.axhline), (axes, axes.axvline)):
        line(promised, linestyle="--", linewidth=1, color="grey", label=f"proven: {promised:g}")
        plot.grid(alpha=0.3)
    if len(auto):
        star = (len(auto) / len(predictions), auto["right"].mean())
        curve.scatter(*star, marker="*", s=200, color="C2", zorder=3, label="answered by auto")
    by_label = auto.groupby("predicted")["right"].agg(["size", "mean"]).sort_values("size")
    largest = by_label.tail(_MAX_CERTIFIED_LABELS)
    axes.scatter(largest["mean"], range(len(largest)), color="C1")
    names = [f"{name} (n {size})" for name, size in largest["size"].items()]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="precision of auto answers", title="certified labels")


def _confusion_counts(predictions: pd.DataFrame) -> pd.DataFrame:
    frequent_labels = predictions["label"].value_counts().index[:_MAX_CLASSES].tolist()
    columns = predictions[["label", "predicted"]]
    grouped = columns.where(columns.isin(frequent_labels), _OTHER)
    names = sorted(frequent_labels) + [_OTHER] * bool((grouped == _OTHER).any(axis=None))
    counts = pd.crosstab(grouped["label"], grouped["predicted"])
    return counts.reindex(index=names, columns=names, fill_value=0)


def _new_figure(fonts: Path, side: float, width: float | None = None) -> "Figure":
    # Imported here because importing matplotlib takes a second. Without MPLCONFIGDIR matplotlib
    # writes to the user's home.
    os.environ.setdefault("MPLCONFIGDIR", str(fonts))
    from matplotlib.figure import Figure

    return Figure(figsize=(width or side, side), layout="constrained")

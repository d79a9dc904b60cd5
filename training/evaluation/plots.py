"""Pictures of held-out answers for MLflow: what is mistaken for what, and precision by coverage."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.base.model_card import Card
from models.base.predictions import Certificate

if TYPE_CHECKING:  # see _new_figure
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CLASSES = 20
_NUMBERED_CLASSES = 12
_NAMED_CERTIFICATES = 15
_OTHER = "(other)"
_DARK = 0.5


def draw_confusion(judged: pd.DataFrame, card: Card, fonts: Path) -> "Figure":
    """Draw how often each label was answered by which, as shares of the label's incidents.

    `judged` holds the held-out `label`, `predicted` and `confidence` of each incident, `fonts` is
    the folder where matplotlib keeps its list of fonts. Labels beyond the 20 most frequent are
    drawn as one.
    """
    counts = _confusion(judged)
    figure = _new_figure(fonts, side=4 + 0.4 * len(counts))
    axes = figure.add_subplot()
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names, ticks = counts.columns.tolist(), range(len(counts))
    axes.set_xticks(ticks, names, rotation=90, parse_math=False)
    axes.set_yticks(ticks, names, parse_math=False)
    axes.set(xlabel="answered", ylabel="right", title=f"{card.target}: held-out confusion")
    if len(counts) <= _NUMBERED_CLASSES:
        for (row, column), share in np.ndenumerate(shares):
            shade = "white" if share > _DARK else "black"
            number = str(counts.iat[row, column])
            axes.text(column, row, number, ha="center", va="center", color=shade, fontsize="small")
    return figure


def draw_coverage(judged: pd.DataFrame, card: Card, fonts: Path) -> "Figure":
    """Draw precision against the share of the incidents answered, and what is certified.

    On the left the surest answers, with a star for what is answered without a person; on the right
    the certified labels, each at its threshold. Dashed is the precision that was proven.
    """
    figure = _new_figure(fonts, side=6, width=12 if card.certificates else 6)
    right = (judged["label"] == judged["predicted"]).to_numpy()
    curve, *others = figure.subplots(1, 2 if card.certificates else 1, squeeze=False)[0]
    order = np.argsort(-judged["confidence"].to_numpy(), kind="stable")
    taken = np.arange(1, len(order) + 1)
    curve.plot(taken / len(order), np.cumsum(right[order]) / taken, label="the surest answers")
    for certified in others:
        _draw_certified(curve, certified, judged.assign(right=right), card.certificates)
    curve.set(xlim=(0, 1), xlabel="share of the incidents answered", ylabel="precision")
    curve.legend(loc="lower left")
    figure.suptitle(f"{card.target}: held-out precision by coverage")
    return figure


def _draw_certified(
    curve: "Axes", axes: "Axes", judged: pd.DataFrame, certificates: Mapping[str, Certificate]
) -> None:
    thresholds = {label: one.threshold for label, one in certificates.items()}
    needed = judged["predicted"].map(thresholds).fillna(np.inf).to_numpy(dtype=np.float64)
    auto = judged[judged["confidence"].to_numpy() >= needed]
    promised = max(one.precision_at_least for one in certificates.values())
    for drawn, line in ((curve, curve.axhline), (axes, axes.axvline)):
        line(promised, linestyle="--", linewidth=1, color="grey", label=f"proven: {promised:g}")
        drawn.grid(alpha=0.3)
    if len(auto):
        at = (len(auto) / len(judged), auto["right"].mean())
        curve.scatter(*at, marker="*", s=200, color="C2", zorder=3, label="without a person")
    found = auto.groupby("predicted")["right"].agg(["size", "mean"]).sort_values("size")
    shown = found.tail(_NAMED_CERTIFICATES)
    axes.scatter(shown["mean"], range(len(shown)), color="C1")
    names = [f"{name} (n {size})" for name, size in shown["size"].items()]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="precision of its answers without a person", title="certified labels")


def _confusion(judged: pd.DataFrame) -> pd.DataFrame:
    common = judged["label"].value_counts().index[:_MOST_CLASSES].tolist()
    kept = judged[["label", "predicted"]].where(judged[["label", "predicted"]].isin(common), _OTHER)
    names = sorted(common) + [_OTHER] * bool((kept == _OTHER).any(axis=None))
    counts = pd.crosstab(kept["label"], kept["predicted"])
    return counts.reindex(index=names, columns=names, fill_value=0)


def _new_figure(fonts: Path, side: float, width: float | None = None) -> "Figure":
    # It takes a second to import, and then writes to the user's folders unless told where to.
    os.environ.setdefault("MPLCONFIGDIR", str(fonts))
    from matplotlib.figure import Figure

    return Figure(figsize=(width or side, side), layout="constrained")

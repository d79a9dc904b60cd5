"""Divides a history at the days on which the shares of its labels changed."""

import numpy as np
from numpy.typing import NDArray

from models.classification.scorers.scorer import Rows
from training.dataset.split import Split

Floats = NDArray[np.float64]

_SHUFFLE_COUNT = 199
_MAX_P_VALUE = 0.005
_MIN_CHANGE = 0.15
_MIN_ROWS = 30
_MAX_BLOCKS = 400


def find_regimes(labels: Rows, split: Split) -> Rows:
    """Return the number of each row's regime: a stretch of days with the same shares of labels.

    `labels` has the number of each incident's class, -1 if unknown. A stretch is divided where the
    shares on both sides differ most (binary segmentation with a chi-squared statistic, Vostrikova
    1981), if no more than .5% of the shuffles of its days give as large a statistic, and if at
    least 15% of the labels would have to change to restore the shares. Each side needs 30 labels.
    All rows are in regime 0 if the history is not split by time.
    """
    regimes = np.zeros(len(labels), dtype=np.int64)
    labelled_rows = np.flatnonzero(labels >= 0)
    if not split.periods or not len(labelled_rows):
        return regimes
    days = split.blocks // (1 + int(split.blocks.max()) // _MAX_BLOCKS)
    counts = np.zeros((int(days.max()) + 1, int(labels.max()) + 1))
    np.add.at(counts, (days[labelled_rows], labels[labelled_rows]), 1)
    cuts = _find_cuts(counts, 0)
    return np.searchsorted(cuts, days, side="right").astype(np.int64)


def periods_of(regimes: Rows, split: Split) -> Rows:
    """Return the number of each row's period: the first regime, or an evaluated period of another.

    After a change, the evaluated periods are kept apart, since the model of each has learned more
    of the new regime than the one before.
    """
    periods = np.zeros(len(regimes), dtype=np.int64)
    for number, period in enumerate(split.periods, start=1):
        periods[period.rows] = number
    return np.where(regimes == 0, 0, regimes * (len(split.periods) + 1) + periods)


def _find_cuts(counts: Floats, first_day: int) -> list[int]:
    """Return the days on which a new regime starts, in order of time."""
    statistic, cut = _best_cut(counts)
    if cut == 0 or _distance(counts, cut) < _MIN_CHANGE:
        return []
    generator = np.random.default_rng(0)
    shuffles_as_far = sum(
        _best_cut(counts[generator.permutation(len(counts))])[0] >= statistic
        for _ in range(_SHUFFLE_COUNT)
    )
    if (1 + shuffles_as_far) / (1 + _SHUFFLE_COUNT) > _MAX_P_VALUE:
        return []
    earlier_cuts = _find_cuts(counts[:cut], first_day)
    return [*earlier_cuts, first_day + cut, *_find_cuts(counts[cut:], first_day + cut)]


def _best_cut(counts: Floats) -> tuple[float, int]:
    """Return the largest chi-squared statistic of a division, and its day; (0, 0) without one."""
    totals = counts.sum(axis=0)
    earlier = np.cumsum(counts, axis=0)[:-1]
    sizes, total = earlier.sum(axis=1), float(totals.sum())
    is_possible = (sizes >= _MIN_ROWS) & (total - sizes >= _MIN_ROWS)
    if not is_possible.any():
        return 0.0, 0
    earlier, sizes = earlier[is_possible], sizes[is_possible]
    deviation = earlier - sizes[:, None] * totals / total
    variance = (sizes * (total - sizes) / total)[:, None] * np.maximum(totals, 1) / total
    statistics = (deviation**2 / variance).sum(axis=1)
    best = int(statistics.argmax())
    return float(statistics[best]), int(np.flatnonzero(is_possible)[best]) + 1


def _distance(counts: Floats, cut: int) -> float:
    earlier, later = counts[:cut].sum(axis=0), counts[cut:].sum(axis=0)
    return float(np.abs(earlier / earlier.sum() - later / later.sum()).sum() / 2)

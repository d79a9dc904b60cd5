"""Whether the newest incidents still are as the older ones were; `auto` may rest on no others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.base.estimate import Estimate
from models.base.model_card import Drift
from models.classification.cross_validation import Rows
from training.dataset.split import Split
from training.evaluation.metrics import HeldOutPredictions, measure, take_rows

Floats = NDArray[np.float64]

_SHUFFLES = 999
_RARELY = 0.01
_WORTH_ACTING = 0.05
_FEWEST_ROWS = 30
_FEWEST_DAYS = 2


def find_drift(labels: Rows, rows: Rows, judged: HeldOutPredictions, split: Split) -> Drift | None:
    """Compare the incidents since each border of the judged periods with those before it.

    `labels` numbers each incident's class, -1 where unknown; `judged` belongs to `rows`. Shares of
    labels have moved at a border when more than one label in twenty would have to change to restore
    them, and days shuffled over it are as far apart in at most one case of a hundred, shared among
    the borders. Confidence has gone wrong when in the newest period it exceeds accuracy by .05 and
    the excess's 95% interval lies above zero. The drift is dated by the latest border that shows
    one. Returns None without usable times.
    """
    if not split.periods:
        return None
    moves = [_moved(labels, split, number) for number in range(len(split.periods))]
    excess = _excess_of_newest(judged, rows, split)
    moved = [number for number, one in enumerate(moves) if _is_beyond_chance(one, len(moves))]
    last = len(moves) - 1
    is_rash = excess is not None and excess.value >= _WORTH_ACTING and excess.low > 0
    since = last if is_rash else moved[-1] if moved else None
    distance, chance = moves[last if since is None else since]
    return Drift(
        has_drifted=since is not None,
        since=None if since is None else split.periods[since].starts_at,
        moved=distance,
        chance=chance,
        overconfidence=None if excess is None else excess.value,
        statement=_statement(split, moves, moved, excess.value if is_rash and excess else None),
    )


def rows_since_drift(drift: Drift | None, rows: Rows, split: Split) -> NDArray[np.bool_]:
    """Return which rows opened since the last drift, all of them without one."""
    if drift is None or drift.since is None:
        return np.ones(len(rows), dtype=np.bool_)
    since = [period.rows for period in split.periods if period.starts_at >= drift.since]
    return np.isin(rows, np.concatenate(since))


def _is_beyond_chance(move: tuple[float, float], borders: int) -> bool:
    distance, chance = move
    return distance >= _WORTH_ACTING and chance <= _RARELY / borders


def _excess_of_newest(judged: HeldOutPredictions, rows: Rows, split: Split) -> Estimate | None:
    newest = take_rows(judged, np.flatnonzero(np.isin(rows, split.periods[-1].rows)))
    if len(newest.labels) < _FEWEST_ROWS or len(set(newest.blocks.tolist())) < _FEWEST_DAYS:
        return None
    return measure(_overconfidence, newest)


def _moved(labels: Rows, split: Split, border: int) -> tuple[float, float]:
    """Return how far label shares moved at a border, and how often shuffled days are as far apart.

    Whole days are shuffled, since the incidents of one day are alike: a permutation test with
    exchangeable blocks (Good 2005).
    """
    later = np.concatenate([period.rows for period in split.periods[border:]])
    counts, is_later = _count_by_day(labels, split.blocks, later, split.periods[border].before)
    found, wanted = label_distance(counts, is_later), float(counts[is_later].sum())
    generator = np.random.default_rng(0)
    as_far = sum(
        label_distance(counts, _drawn(counts, wanted, generator)) >= found for _ in range(_SHUFFLES)
    )
    return found, (1 + as_far) / (1 + _SHUFFLES)


def _count_by_day(
    labels: Rows, days: Rows, later: Rows, before: Rows
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return label counts of shape (days, classes), and which days are later.

    The day of the border counts twice, once on each side.
    """
    rows = np.concatenate([later, before])
    side = np.repeat([1, 0], [len(later), len(before)])
    side, rows = side[labels[rows] >= 0], rows[labels[rows] >= 0]
    keys, places = np.unique(days[rows] * 2 + side, return_inverse=True)
    counts = np.zeros((len(keys), int(labels.max()) + 1))
    np.add.at(counts, (places, labels[rows]), 1)
    return counts, keys % 2 == 1


def _drawn(counts: Floats, wanted: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw days until they hold as many incidents as wanted."""
    order = generator.permutation(len(counts))
    so_far = np.cumsum(counts[order].sum(axis=1))
    drawn = np.zeros(len(counts), dtype=np.bool_)
    drawn[order[: np.searchsorted(so_far, wanted) + 1]] = True
    return drawn


def label_distance(counts: Floats, is_later: NDArray[np.bool_]) -> float:
    """Return the total variation distance: the share of labels that would have to change."""
    here, rest = counts[is_later].sum(axis=0), counts[~is_later].sum(axis=0)
    return float(np.abs(here / max(here.sum(), 1) - rest / max(rest.sum(), 1)).sum() / 2)


def _overconfidence(judged: HeldOutPredictions, weight: Floats) -> float:
    gap = judged.confidence - (judged.labels == judged.predicted)
    return float((weight * gap).sum() / weight.sum())


def _statement(
    split: Split, moves: Sequence[tuple[float, float]], moved: Sequence[int], excess: float | None
) -> str:
    found = []
    if moved:
        distance, chance = moves[moved[-1]]
        found.append(
            f"since {split.periods[moved[-1]].starts_at.date()} the labels' shares are other than "
            f"before: {distance:.0%} would have to change (by chance in at most {chance:.1%})"
        )
    if excess is not None:
        start = split.periods[-1].starts_at.date()
        found.append(f"since {start} confidence exceeds accuracy by {excess:.2f}")
    if not found:
        return "no drift beyond chance in the shares of labels or in confidence"
    return f"drift: {'; '.join(found)}; certificates rest on the incidents since then only"

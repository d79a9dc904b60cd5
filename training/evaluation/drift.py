"""Detects drift, after which certificates may rest on the newer incidents only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.base.estimate import Estimate
from models.base.model_card import Drift
from models.classification.scorers.scorer import Rows
from training.dataset.split import Split
from training.evaluation.metrics import HeldOutPredictions, measure, take_rows

Floats = NDArray[np.float64]

_SHUFFLE_COUNT = 999
_MAX_P_VALUE = 0.01
_MIN_CHANGE = 0.05
_MIN_ROWS = 30
_MIN_DAYS = 2


def find_drift(
    labels: Rows, rows: Rows, predictions: HeldOutPredictions, split: Split
) -> Drift | None:
    """Compare, for each evaluated period, the incidents since its start with those before.

    `labels` has the number of each incident's class, -1 if unknown; `predictions` are those of
    `rows`. There are two kinds of drift. The shares of labels have changed if at least 5% of the
    labels would have to change to restore the earlier shares, with a p-value (by shuffled days) of
    at most .01 divided by the number of periods. Confidence is too high if in the newest period its
    mean exceeds accuracy by at least .05 and the 95% interval of the excess lies above zero. The
    drift is dated to the start of the latest period for which either holds. Returns None if the
    history is not split by time.
    """
    if not split.periods:
        return None
    shifts = [_label_shift(labels, split, number) for number in range(len(split.periods))]
    excess = _newest_overconfidence(predictions, rows, split)
    shifted_periods = [
        number for number, shift in enumerate(shifts) if _is_beyond_chance(shift, len(shifts))
    ]
    newest_period = len(shifts) - 1
    is_overconfident = excess is not None and excess.value >= _MIN_CHANGE and excess.low > 0
    since = newest_period if is_overconfident else shifted_periods[-1] if shifted_periods else None
    distance, p_value = shifts[newest_period if since is None else since]
    return Drift(
        has_drifted=since is not None,
        since=None if since is None else split.periods[since].starts_at,
        moved=distance,
        chance=p_value,
        overconfidence=None if excess is None else excess.value,
        statement=_statement(
            split, shifts, shifted_periods, excess.value if is_overconfident and excess else None
        ),
    )


def rows_since_drift(drift: Drift | None, rows: Rows, split: Split) -> NDArray[np.bool_]:
    """Return a mask of the rows that opened since the drift; without a drift, of all rows."""
    if drift is None or drift.since is None:
        return np.ones(len(rows), dtype=np.bool_)
    since = [period.rows for period in split.periods if period.starts_at >= drift.since]
    return np.isin(rows, np.concatenate(since))


def _is_beyond_chance(shift: tuple[float, float], periods: int) -> bool:
    distance, p_value = shift
    return distance >= _MIN_CHANGE and p_value <= _MAX_P_VALUE / periods


def _newest_overconfidence(
    predictions: HeldOutPredictions, rows: Rows, split: Split
) -> Estimate | None:
    newest = take_rows(predictions, np.flatnonzero(np.isin(rows, split.periods[-1].rows)))
    if len(newest.labels) < _MIN_ROWS or len(set(newest.blocks.tolist())) < _MIN_DAYS:
        return None
    return measure(_overconfidence, newest)


def _label_shift(labels: Rows, split: Split, number: int) -> tuple[float, float]:
    """Return the distance between the label shares before and since a period's start, with p-value.

    The p-value is the share of orders with at least this distance, among the shuffles and the
    observed order. Whole days are shuffled, since incidents of one day are alike: a permutation
    test with exchangeable blocks (Good 2005).
    """
    later_rows = np.concatenate([period.rows for period in split.periods[number:]])
    rows_before = split.periods[number].before
    counts, is_later = _count_by_day(labels, split.blocks, later_rows, rows_before)
    distance, later_count = label_distance(counts, is_later), float(counts[is_later].sum())
    generator = np.random.default_rng(0)
    shuffles_as_far = sum(
        label_distance(counts, _draw_days(counts, later_count, generator)) >= distance
        for _ in range(_SHUFFLE_COUNT)
    )
    return distance, (1 + shuffles_as_far) / (1 + _SHUFFLE_COUNT)


def _count_by_day(
    labels: Rows, days: Rows, later_rows: Rows, rows_before: Rows
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return label counts of shape (days, classes), and a mask of the later days.

    A day with both later and earlier rows counts as two days.
    """
    rows = np.concatenate([later_rows, rows_before])
    is_later_side = np.repeat([1, 0], [len(later_rows), len(rows_before)])
    is_later_side, rows = is_later_side[labels[rows] >= 0], rows[labels[rows] >= 0]
    keys, key_numbers = np.unique(days[rows] * 2 + is_later_side, return_inverse=True)
    counts = np.zeros((len(keys), int(labels.max()) + 1))
    np.add.at(counts, (key_numbers, labels[rows]), 1)
    return counts, keys % 2 == 1


def _draw_days(counts: Floats, count: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw days at random until they hold at least `count` incidents, and return their mask."""
    order = generator.permutation(len(counts))
    incident_counts = np.cumsum(counts[order].sum(axis=1))
    is_drawn = np.zeros(len(counts), dtype=np.bool_)
    is_drawn[order[: np.searchsorted(incident_counts, count) + 1]] = True
    return is_drawn


def label_distance(counts: Floats, is_later: NDArray[np.bool_]) -> float:
    """Return the total variation distance between the label shares of later and other days.

    It is the share of labels that would have to change to make the shares equal. `counts` has shape
    (days, classes).
    """
    later_counts, earlier_counts = counts[is_later].sum(axis=0), counts[~is_later].sum(axis=0)
    later_shares = later_counts / max(later_counts.sum(), 1)
    earlier_shares = earlier_counts / max(earlier_counts.sum(), 1)
    return float(np.abs(later_shares - earlier_shares).sum() / 2)


def _overconfidence(predictions: HeldOutPredictions, weight: Floats) -> float:
    gap = predictions.confidence - (predictions.labels == predictions.predicted)
    return float((weight * gap).sum() / weight.sum())


def _statement(
    split: Split,
    shifts: Sequence[tuple[float, float]],
    shifted_periods: Sequence[int],
    excess: float | None,
) -> str:
    drifts = []
    if shifted_periods:
        distance, p_value = shifts[shifted_periods[-1]]
        start = split.periods[shifted_periods[-1]].starts_at.date()
        drifts.append(
            f"since {start} the shares of labels differ from before: {distance:.0%} of labels "
            f"would have to change to restore them (p-value {p_value:.3f})"
        )
    if excess is not None:
        start = split.periods[-1].starts_at.date()
        drifts.append(f"since {start} confidence exceeds accuracy by {excess:.2f}")
    if not drifts:
        return "no drift beyond chance in the shares of labels or in confidence"
    return f"drift: {'; '.join(drifts)}; certificates rest on the incidents since then only"

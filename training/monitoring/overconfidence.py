"""Detects when answers become wrong more often than their confidence says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ODDS = np.array([2.0, 4.0, 8.0, 16.0])
_NULL_OFFSET, _NULL_FACTOR = 0.02, 1.25
_MAX_SUM = 1e100


@dataclass(frozen=True, slots=True)
class Overconfidence:
    """Two answers: `row` proves overconfidence, which most likely began with `since`."""

    row: int
    since: int


def find_overconfidence(
    confidence: Floats, is_wrong: NDArray[np.bool_], *, error: float
) -> Overconfidence | None:
    """Return when answers became wrong too often for their confidence; None if they did not.

    Rows are answers in order of time. The null hypothesis: an answer with confidence c is wrong
    with a probability of at most .02 + 1.25 (1 - c). The alternatives: the odds of a wrong answer
    are 2, 4, 8 or 16 times as high. Under the null hypothesis each likelihood ratio has a mean of
    at most 1. The sum of likelihood ratios over all possible starts of a change therefore grows by
    at most 1 per answer on average (Shiryaev-Roberts; an e-detector, Shin, Ramdas and Rinaldo 2022,
    arXiv 2203.03532). The detector is the mean of these sums over the four alternatives. The
    probability that it reaches n / `error` within n answers is at most `error`.

    >>> right = np.zeros(300, dtype=bool)
    >>> wrong_later = np.where(np.arange(300) < 200, right, np.arange(300) % 2 == 0)
    >>> find_overconfidence(np.full(300, 0.95), right, error=0.01)
    >>> find_overconfidence(np.full(300, 0.95), wrong_later, error=0.01)
    Overconfidence(row=214, since=200)
    """
    null_probability = np.minimum(_NULL_OFFSET + _NULL_FACTOR * (1 - confidence), 0.98)
    raised_probability = _ODDS * null_probability[:, None]
    raised_probability /= 1 - null_probability[:, None] + raised_probability
    ratios = np.where(
        is_wrong[:, None],
        raised_probability / null_probability[:, None],
        (1 - raised_probability) / (1 - null_probability[:, None]),
    )
    detector = np.zeros(len(_ODDS))
    for row, ratio in enumerate(ratios):
        detector = np.minimum((detector + 1) * ratio, _MAX_SUM)
        if detector.mean() >= len(ratios) / error:
            return Overconfidence(row, _likeliest_start(ratios[: row + 1]))
    return None


def _likeliest_start(ratios: Floats) -> int:
    """Return the row since which the evidence for a change is largest (CUSUM; Page 1954)."""
    evidence = np.log(ratios)[::-1].cumsum(axis=0)
    rows_from_end, _ = np.unravel_index(int(evidence.argmax()), evidence.shape)
    return len(ratios) - 1 - int(rows_from_end)

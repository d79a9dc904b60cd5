"""Whether answers have begun to be wrong more often than their confidence says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ODDS = np.array([2.0, 4.0, 8.0, 16.0])
_ALLOWED, _ALLOWED_SHARE = 0.02, 1.25
_LARGEST = 1e100


@dataclass(frozen=True, slots=True)
class Overconfidence:
    """The answer at which it is proven, and the answer since which the evidence has grown."""

    row: int
    since: int


def find_overconfidence(
    confidence: Floats, is_wrong: NDArray[np.bool_], *, error: float
) -> Overconfidence | None:
    """Return when the errors became too many for their confidence; None while they are not.

    The rows are in order of time. While an answer of confidence c is wrong with probability
    .02 + 1.25 (1 - c) at most, each likelihood ratio of odds 2 to 16 times as high against it has
    mean 1 or less, so the sum over all moments at which the change may have begun grows by 1 an
    answer at most (Shiryaev-Roberts; an e-detector of Shin, Ramdas and Rinaldo 2022, arXiv
    2203.03532). It reaches n / error within n answers with probability `error` at most.

    >>> right = np.zeros(300, dtype=bool)
    >>> wrong_later = np.where(np.arange(300) < 200, right, np.arange(300) % 2 == 0)
    >>> find_overconfidence(np.full(300, 0.95), right, error=0.01)
    >>> find_overconfidence(np.full(300, 0.95), wrong_later, error=0.01)
    Overconfidence(row=214, since=200)
    """
    allowed = np.minimum(_ALLOWED + _ALLOWED_SHARE * (1 - confidence), 0.98)
    raised = _ODDS * allowed[:, None]
    raised /= 1 - allowed[:, None] + raised
    ratios = np.where(
        is_wrong[:, None], raised / allowed[:, None], (1 - raised) / (1 - allowed[:, None])
    )
    detector = np.zeros(len(_ODDS))
    for row, ratio in enumerate(ratios):
        detector = np.minimum((detector + 1) * ratio, _LARGEST)
        if detector.mean() >= len(ratios) / error:
            return Overconfidence(row, _likeliest_start(ratios[: row + 1]))
    return None


def _likeliest_start(ratios: Floats) -> int:
    """Return from which row on the evidence is largest (CUSUM; Page 1954)."""
    backwards = np.log(ratios)[::-1].cumsum(axis=0)
    ends, _ = np.unravel_index(int(backwards.argmax()), backwards.shape)
    return len(ratios) - 1 - int(ends)

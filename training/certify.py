"""Certificates behind `auto`: thresholds whose precision is proven, class by class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from models.calibrated import Certification
from models.folds import Rows
from models.prediction import Certificate
from training.metrics import Judged

WANTED_PRECISION = 0.92
_FEWEST_ACCEPTED = 36
_FEWEST_FOR_OWN = 100
_ERROR_RATE = 0.05
# Fixed beforehand: looking at the scores to choose the grid would void the promise.
GRID = (0.999, 0.998, 0.996, 0.994, 0.992, *(round(0.99 - 0.01 * step, 2) for step in range(50)))


def certify(
    judged: Judged, classes: Sequence[str], copies: Rows, *, wanted: float = WANTED_PRECISION
) -> Certification:
    """Return the certificates that held-out predictions prove.

    Thresholds are walked from the strictest down, from the first that accepts 36 groups of
    near-copies, to the last whose lower 95% Clopper-Pearson bound reaches `wanted`. Stopping at
    the first failure is what makes the promise hold (fixed-sequence Learn-then-Test, Angelopoulos
    et al. 2021, arXiv 2110.01052). Classes that are predicted for fewer than 100 groups are tested
    together, and their certificate says so.
    """
    first = _one_of_each(copies)
    predicted, confidence = judged.predicted[first], judged.confidence[first]
    right = judged.predicted[first] == judged.labels[first]
    sizes = np.bincount(predicted, minlength=len(classes))
    found: dict[str, Certificate] = {}
    for number in np.flatnonzero(sizes >= _FEWEST_FOR_OWN).tolist():
        here = predicted == number
        certificate = _walk_down(confidence[here], right[here], wanted, pooled=False)
        if certificate is not None:
            found[classes[number]] = certificate
    rare = (sizes > 0) & (sizes < _FEWEST_FOR_OWN)
    shared = _walk_down(confidence[rare[predicted]], right[rare[predicted]], wanted, pooled=True)
    if shared is not None:
        found.update({classes[number]: shared for number in np.flatnonzero(rare).tolist()})
    return Certification(found)


def lower_bound(right: int, of: int) -> float:
    """Return the one-sided 95% Clopper-Pearson bound below a share.

    >>> round(lower_bound(36, 36), 3)
    0.92
    """
    return float(beta.ppf(_ERROR_RATE, right, of - right + 1)) if right else 0.0


def _one_of_each(copies: Rows) -> Rows:
    return np.sort(np.unique(copies, return_index=True)[1])


def _walk_down(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], wanted: float, *, pooled: bool
) -> Certificate | None:
    proven = None
    for threshold in GRID:
        accepted = confidence >= threshold
        count = int(accepted.sum())
        if count < _FEWEST_ACCEPTED:
            continue
        if lower_bound(int(right[accepted].sum()), count) < wanted:
            break
        proven = Certificate(wanted, threshold, count, pooled)
    return proven

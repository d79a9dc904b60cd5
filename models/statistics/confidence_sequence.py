"""Bounds on a precision that stay valid however often they are computed."""

from dataclasses import dataclass
from math import inf, log, log1p

from scipy.special import betainc, betaln

from models.base.estimate import Estimate

_PRIOR = (10.0, 2.0)
_STEPS = 40


@dataclass(frozen=True, slots=True)
class PrecisionBounds(Estimate):
    """The share of correct answers among `n` checked answers, and bounds on the true precision."""

    n: int


def precision_bounds(right: int, wrong: int, *, error: float = 0.05) -> PrecisionBounds:
    """Return an estimate of precision and its bounds from answers that a person checked.

    Even if the bounds are computed after every answer, the probability that `high` ever falls below
    the true precision is at most `error`. The same holds for `low` ever rising above it. If the
    precision changes over time, a `high` below a promised precision still proves that the precision
    was below the promise for some answers. Without checked answers the estimate is 0.5 and the
    bounds are 0 and 1.

    The upper bound inverts a test of "the precision is at least m". The test uses the mixture of
    likelihood ratios against m over a Beta prior truncated to precisions below m (Robbins, 1970;
    Howard et al., 2021, arXiv 1810.08240; Waudby-Smith and Ramdas, 2023, arXiv 2010.09686). The
    mixture is a nonnegative supermartingale that starts at 1, so by Ville's inequality the
    probability that it ever reaches 1 / error is at most `error`. The lower bound is computed in
    the same way, with correct and wrong answers exchanged.

    >>> bounds = precision_bounds(right=40, wrong=12)
    >>> bounds.n, round(bounds.value, 3), round(bounds.low, 3), round(bounds.high, 3)
    (52, 0.769, 0.581, 0.9)
    """
    if right < 0 or wrong < 0:
        raise ValueError("counts of checked answers must not be negative")
    if not 0 < error < 1:
        raise ValueError(f"error must lie between 0 and 1, not {error}")
    n = right + wrong
    first, second = _PRIOR
    return PrecisionBounds(
        value=right / n if n else 0.5,
        low=1 - _upper_bound(wrong, right, second, first, error),
        high=_upper_bound(right, wrong, first, second, error),
        n=n,
    )


def _upper_bound(right: int, wrong: int, a: float, b: float, error: float) -> float:
    if wrong == 0:
        return 1.0
    threshold = -log(error) - float(betaln(right + a, wrong + b) - betaln(a, b))
    low, high = right / (right + wrong), 1.0
    # Above the share of correct answers, the evidence increases with the bound, so bisection works.
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _log_evidence(right, wrong, middle, a, b) >= threshold:
            high = middle
        else:
            low = middle
    return high


def _log_evidence(right: int, wrong: int, bound: float, a: float, b: float) -> float:
    """Return the log of the mixture of likelihood ratios against `bound`, without its constant."""
    mass = float(betainc(right + a, wrong + b, bound))
    if mass <= 0 or bound >= 1:
        return inf if bound >= 1 else -inf
    likelihood = right * log(bound) + wrong * log1p(-bound)
    return log(mass) - log(betainc(a, b, bound)) - likelihood

"""The probability that a series reaches a level within a lead, by a logistic model."""

import numpy as np
from scipy.special import expit

from features.timeseries.level_blocks import Floats

# Rounded from what `python tests/benchmarks/forecast_constants.py` finds on visible series, in the
# order of `FEATURES`, then the logarithm of the lead in units of six hours, and the constant.
COEFFICIENTS = np.array([0.23, 1.2, 1.6, 2.4, -1.1, 3.2, -0.3, 0.45, -0.25, 0.3, -1.9])
_LEAD_UNIT = 6.0


def breach_probabilities(features: Floats, hours: float) -> Floats:
    """Return the probability of reaching the level within so many hours, for each row of features.

    A model that the past of the series itself moves was worse on visible series: that past was seen
    at a level that was chosen from it.

    >>> likely = [1.0, 1.2, 1.2, 0.3, 0.3, 0.3, 0.0, 1.0, -1.0]
    >>> breach_probabilities(np.array([likely]), 6.0).round(2).tolist()
    [0.98]
    """
    probabilities: Floats = expit(design_matrix(features, hours) @ COEFFICIENTS)
    return probabilities


def design_matrix(features: Floats, hours: float) -> Floats:
    """Return the features with the columns of the lead and the constant."""
    rows = len(features)
    lead = np.full((rows, 1), np.log(hours / _LEAD_UNIT))
    design: Floats = np.hstack([features, lead, np.ones((rows, 1))])
    return design

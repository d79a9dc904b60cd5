"""Corrects a model's probabilities to the labels of each period, apart from random mistakes."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]

_LEAST_PROBABILITY = 1e-6
_MAX_SCALE = 5.0
_MAX_MISTAKEN = 0.3
_START_MISTAKEN = 0.02
_RIDGE = 0.5
# Labels are taken to be correct unless the labels of about this many rows say otherwise.
_CORRECT_PSEUDO_ROWS = 10.0


def correct_to_periods(probabilities: Floats, labels: Rows, periods: Rows) -> Floats:
    """Return the probabilities of the correct labels in each row's period, of the same shape.

    `probabilities`, of shape (rows, classes), come from models that may have learned before the
    period; `labels` has the number of each row's class, and `periods` the number of its period. In
    each period, the correction scales the logarithms and adds one bias a class (bias-corrected
    temperature scaling: Alexandari, Kundaje and Shrikumar 2020,
    https://proceedings.mlr.press/v119/alexandari20a.html). It is fitted by maximum likelihood to
    the labels, of which a share may be mistaken: such a label is drawn by the period's label
    shares, whatever the text (forward correction: Patrini et al. 2017, doi 10.1109/CVPR.2017.240).
    Without the mistaken share, random mistakes would lower the confidence in all rows. A model that
    knows nothing of a period's labels gets their shares.

    >>> probabilities = np.tile([[0.9, 0.1]], (100, 1))
    >>> labels, periods = np.repeat([0, 1], [30, 70]), np.zeros(100, dtype=np.int64)
    >>> correct_to_periods(probabilities, labels, periods)[0].round(1).tolist()
    [0.3, 0.7]
    """
    logits = np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
    _, period_of = np.unique(periods, return_inverse=True)
    size, classes = int(period_of.max()) + 1, probabilities.shape[1]
    counts = np.zeros((size, classes))
    np.add.at(counts, (period_of, labels), 1)
    by_chance = ((counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True))[period_of, labels]
    given, rows = np.eye(classes)[labels], np.arange(len(labels))

    def corrected(parameters: Floats) -> Floats:
        biases = parameters[1 + size :].reshape(size, classes)
        scores = parameters[1 : 1 + size][period_of, None] * logits + biases[period_of]
        return np.asarray(softmax(scores, axis=1))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        mistaken, biases = parameters[0], parameters[1 + size :]
        correct = corrected(parameters)
        own = correct[rows, labels]
        likelihood = (1 - mistaken) * own + mistaken * by_chance
        slopes = ((1 - mistaken) * own / likelihood)[:, None] * (correct - given)
        value = -np.log(likelihood).sum() + _RIDGE * (biases**2).sum() / 2
        value -= _CORRECT_PSEUDO_ROWS * np.log1p(-mistaken)
        chance_slope = ((own - by_chance) / likelihood).sum()
        scale_slopes = np.bincount(period_of, (slopes * logits).sum(axis=1), minlength=size)
        bias_slopes = np.zeros((size, classes))
        np.add.at(bias_slopes, period_of, slopes)
        gradient = np.concatenate(
            [
                [chance_slope + _CORRECT_PSEUDO_ROWS / (1 - mistaken)],
                scale_slopes,
                bias_slopes.ravel() + _RIDGE * biases,
            ]
        )
        return float(value), gradient

    start = np.concatenate([[_START_MISTAKEN], np.ones(size), np.zeros(size * classes)])
    bounds = [(0, _MAX_MISTAKEN), *[(0, _MAX_SCALE)] * size, *[(None, None)] * (size * classes)]
    return corrected(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)

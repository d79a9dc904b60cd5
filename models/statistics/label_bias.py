"""Estimates from outcomes how much more often labels occur than a model's probabilities say."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_HALF_LIFE = 40.0
_PENALTY = 0.5
_REFITTED_EVERY = 5


def fit_label_bias(log_probabilities: Floats, labels: Rows) -> Floats:
    """Return a bias per class with which the probabilities fit the labels; few labels give 0.

    `log_probabilities` has shape (rows, classes), the oldest row first; a row counts half as much
    as one that is 40 rows newer. With biased probabilities, the weighted expected counts of the
    classes are close to the observed ones. This is the maximum-likelihood estimate of changed
    priors (Saerens, Latinne and Decaestecker 2002), here from known labels, with a penalty on
    squares that keeps the bias of rare classes near 0.

    >>> even = np.log(np.full((60, 2), 0.5))
    >>> bool(np.allclose(fit_label_bias(even, np.array([0, 1] * 30)), 0, atol=0.05))
    True
    >>> (fit_label_bias(even, np.zeros(60, dtype=np.int64)) > 1).tolist()
    [True, False]
    """
    rows, classes = log_probabilities.shape
    weights = 0.5 ** (np.arange(rows)[::-1] / _HALF_LIFE)
    right_cells = (np.arange(rows), labels)

    def loss(bias: Floats) -> tuple[float, Floats]:
        logits = log_probabilities + bias
        logits = logits - logsumexp(logits, axis=1, keepdims=True)
        slope = np.exp(logits)
        slope[right_cells] -= 1
        value = _PENALTY / 2 * (bias**2).sum() - (weights * logits[right_cells]).sum()
        return float(value), weights @ slope + _PENALTY * bias

    # Imported here because only fitting needs it.
    from scipy.optimize import minimize

    return np.asarray(minimize(loss, np.zeros(classes), jac=True).x)


def evidence_of_bias(log_probabilities: Floats, labels: Rows) -> float:
    """Return the log of how much better a bias predicts the labels than the probabilities alone.

    Each label is predicted with the bias of the labels before it, so under the null hypothesis that
    the probabilities are right, the ratio of a run of labels has an expected value of 1, and the
    largest one is above 1 / p with a probability of at most p (Ville 1939) per start of the run.
    The run that begins at the best of each tenth row is returned.

    >>> even = np.log(np.full((60, 2), 0.5))
    >>> round(evidence_of_bias(even, np.zeros(60, dtype=np.int64)))
    36
    """
    rows = len(labels)
    gains = np.zeros(rows)
    bias = np.zeros(log_probabilities.shape[1])
    for row in range(rows):
        if row and row % _REFITTED_EVERY == 0:
            bias = fit_label_bias(log_probabilities[:row], labels[:row])
        biased = log_probabilities[row] + bias
        biased = biased - logsumexp(biased)
        gains[row] = biased[labels[row]] - log_probabilities[row, labels[row]]
    return max((float(gains[start:].sum()) for start in range(0, rows, 10)), default=0.0)

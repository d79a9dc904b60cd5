"""Probabilities of held-out rows."""

from dataclasses import dataclass

from models.classification.scorers.scorer import Floats, Rows


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Probabilities of held-out rows, each by a model that was fitted without the row.

    `rows` are the row numbers of the examples, `probabilities` has shape (rows, classes).
    `predicted` are the numbers of the predicted classes, None if these are the likeliest classes.
    """

    rows: Rows
    probabilities: Floats
    predicted: Rows | None = None

"""Scores how familiar a text is to a history: by its neighbours, its position and its words."""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.encoding.word_pieces import PieceIds
from models.base.parameters import Parameters
from models.novelty.conformal_p_value import ConformalPValue, Floats

# Chosen by `python tests/benchmarks/novelty.py`; neighbours count twice as much as the other two.
_WEIGHTS: Final = np.array((1.0, 0.5, 0.5))

_NEIGHBOURS = 10
_RIDGE = 1e-3
_PSEUDO_COUNT = 20.0
_BLOCK = 1024


class TextFamiliarity(Parameters):
    """Three scores of a text against reference texts; higher is more familiar.

    1. The mean cosine of its 10 nearest reference texts (deep nearest neighbours, Sun et al. 2022).
    2. The negative squared Mahalanobis distance of its vector from the references (Lee et al.
       2018).
    3. The mean log ratio of its word pieces' probability among the references and in general
       English (likelihood ratio, Ren et al. 2019).
    """

    def fit(self, vectors: Vectors, pieces: Sequence[PieceIds], background: Floats) -> Self:
        """Learn from reference texts: `vectors` has shape (texts, dimension)."""
        self.vectors_ = np.asarray(vectors, dtype=np.float32)
        self.centre_ = self.vectors_.mean(axis=0)
        dimension = self.vectors_.shape[1]
        spread = np.cov(self.vectors_.T.astype(np.float64)) + _RIDGE * np.eye(dimension)
        self.precision_ = np.linalg.inv(spread).astype(np.float32)
        self.log_ratio_ = _log_ratio(pieces, background)
        return self

    def score(self, vectors: Vectors, pieces: Sequence[PieceIds]) -> Floats:
        """Return the scores, of shape (texts, 3)."""
        columns = (
            self.likeness(vectors),
            -self._squared_distance(vectors),
            np.array([self._mean_log_ratio(row) for row in pieces]),
        )
        return np.column_stack(columns)

    def likeness(self, vectors: Vectors, *, without_self: bool = False) -> Floats:
        """Return the mean cosine of each vector's 10 nearest reference texts.

        `without_self` leaves out the most similar reference, which is the text itself.
        """
        count = min(_NEIGHBOURS + without_self, len(self.vectors_))
        likeness = np.empty(len(vectors))
        for start in range(0, len(vectors), _BLOCK):
            cosines = vectors[start : start + _BLOCK] @ self.vectors_.T
            nearest = np.partition(cosines, -count, axis=1)[:, -count:]
            total = nearest.sum(axis=1) - (nearest.max(axis=1) if without_self else 0.0)
            likeness[start : start + _BLOCK] = total / max(1, count - without_self)
        return likeness

    def _squared_distance(self, vectors: Vectors) -> Floats:
        offsets = vectors - self.centre_
        return np.asarray(((offsets @ self.precision_) * offsets).sum(axis=1), dtype=np.float64)

    def _mean_log_ratio(self, pieces: PieceIds) -> float:
        # Without a word of the vocabulary, a text is as surprising as its least familiar word.
        if not len(self.log_ratio_):
            return 0.0
        return float(self.log_ratio_[pieces].mean()) if len(pieces) else float(self._least_ratio())

    def _least_ratio(self) -> float:
        return float(self.log_ratio_.min())


class TextCalibration(Parameters):
    """Combines the three scores of a text, each in standard deviations, into one p-value."""

    def fit(self, scores: Floats) -> Self:
        """Learn from the scores of calibration texts, of shape (texts, 3)."""
        self.means_ = scores.mean(axis=0)
        spread = scores.std(axis=0)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        self.p_value_ = ConformalPValue().fit(self._combine(scores))
        return self

    def transform(self, scores: Floats) -> Floats:
        """Return the p-value of each text, in 0..1; small is strange."""
        return self.p_value_.transform(self._combine(scores))

    def _combine(self, scores: Floats) -> Floats:
        return np.asarray((scores - self.means_) / self.spread_ @ _WEIGHTS)


def _log_ratio(pieces: Sequence[PieceIds], background: Floats) -> NDArray[np.float32]:
    """Return for each piece the log of its probability among the texts and in general English."""
    if not len(background):
        return np.empty(0, dtype=np.float32)
    flat = np.concatenate([*pieces, np.empty(0, dtype=np.int64)]).astype(np.int64)
    counts = np.bincount(flat, minlength=len(background))
    smoothed = (counts + _PSEUDO_COUNT * background) / (counts.sum() + _PSEUDO_COUNT)
    return np.asarray(np.log(smoothed / background), dtype=np.float32)

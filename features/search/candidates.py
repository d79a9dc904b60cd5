"""Candidates of a search: past incidents that may resemble a report, as arrays for a ranker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.search.ragged_array import Ragged

UNKNOWN_TIME = -(2**62)

Integers = NDArray[np.int64]
Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates for one report, one row each.

    `opened` is in seconds since 1970, or `UNKNOWN_TIME`. `services` are hash buckets, or -1 for
    none. `documentation` says how well the resolution is documented: 0 means no closing note, 1 a
    note that names no fix, 2 a note that names the fix.
    """

    ids: tuple[str, ...]
    opened: Integers
    title_vectors: Vectors
    text_vectors: Vectors
    title_terms: Ragged
    text_terms: Ragged
    facts: Ragged
    signatures: Ragged
    services: Integers
    documentation: Integers
    is_open: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    """The number of indexed incidents, in total and with each term, fact and service.

    `text_centre` is the mean text vector.
    """

    count: int
    title_terms: Counts
    text_terms: Counts
    facts: Counts
    services: Counts
    text_centre: Vectors

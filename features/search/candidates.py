"""Candidates of a search: past incidents that may resemble a report, as arrays for a ranker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder import Vectors
from features.search.ragged_array import Ragged

UNKNOWN_TIME = -(2**62)

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recurrences:
    """The past incidents whose text is the same once variable parts are masked, newest first.

    `last_opened` is the newest known time of opening in seconds since 1970, or `UNKNOWN_TIME`.
    `with_fix` counts the incidents whose resolution names the fix.
    """

    ids: tuple[str, ...]
    last_opened: int
    with_fix: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates for one report, one row each.

    `opened` is in seconds since 1970, or `UNKNOWN_TIME`. `services` and `sources` are hash buckets,
    or -1 for none. `documentation` says how well the resolution is documented: 0 means no closing
    note, 1 a note that names no fix, 2 a note that names the fix. `texts` is the place of each
    row's text in `recurrences`, which counts all past incidents with that text, also those that are
    not candidates.
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
    sources: Integers
    documentation: Integers
    is_open: NDArray[np.bool_]
    texts: Integers
    recurrences: tuple[Recurrences, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Integers) -> "Candidates":
        """Return some candidates, in this order."""
        return Candidates(
            ids=tuple(self.ids[row] for row in rows),
            opened=self.opened[rows],
            title_vectors=self.title_vectors[rows],
            text_vectors=self.text_vectors[rows],
            title_terms=self.title_terms.take(rows),
            text_terms=self.text_terms.take(rows),
            facts=self.facts.take(rows),
            signatures=self.signatures.take(rows),
            services=self.services[rows],
            sources=self.sources[rows],
            documentation=self.documentation[rows],
            is_open=self.is_open[rows],
            texts=self.texts[rows],
            recurrences=self.recurrences,
        )

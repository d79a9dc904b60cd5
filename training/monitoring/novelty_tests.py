"""Tests for values and kinds of text that have become frequent and were rare before."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from features.encoding.encoder import Vectors
from models.classification.scorers.scorer import Rows

Floats = NDArray[np.float64]

BLOCK = 10
_RECENT_BLOCKS = (4, 8, 16, 32)
_NEIGHBOUR_COUNTS = (6, 12, 24)
_MAX_NEIGHBOURS = 120
_MIN_LATE_BLOCKS = 3
_MIN_DAYS = 1.0
_ROWS_AT_ONCE = 500
_MIN_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class Novelty:
    """A new value or kind of text: the `row` at which it is detected, and its recent `members`.

    `before` counts the earlier blocks of incidents with this value or kind. `p_value` is the
    probability, if nothing changed, that at least as many recent blocks have the value or kind.
    `value` is None for a kind of text, and for several rare values that appear together.
    """

    row: int
    members: tuple[int, ...]
    before: int
    p_value: float
    value: str | None = None


def emerging_values(
    values: Sequence[str | None], days: Floats, *, since: int, error: float
) -> tuple[Novelty, ...]:
    """Return the new values that are detected from row `since` on, each at its first detection.

    The rows are in order of time; `days` are their times in days. Ten rows make a block, in which a
    value counts once, so that a burst counts little. Of the K blocks that have a value so far, k
    are among the last M of B blocks. If nothing changed, the K blocks are drawn from B without
    replacement, and the hypergeometric tail is the p-value. It must be at most `error`, divided by
    the number of tested rows and by four, the number of choices of M (Bonferroni). The value must
    occur in at least three of the M blocks, and in at least as large a share of the M blocks as of
    all B blocks. Its rows in the M blocks must span at least a day.

    >>> values = ["mail"] * 600
    >>> values[500::10] = ["kiosk"] * 10
    >>> novelties = emerging_values(values, np.arange(600) / 20, since=300, error=0.01)
    >>> [(novelty.value, novelty.row) for novelty in novelties]
    [('kiosk', 530)]
    """
    level = error / (max(len(values) - since, 1) * len(_RECENT_BLOCKS))
    rows_by_value: dict[str, list[int]] = {}
    novelties: dict[str, Novelty] = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        rows = rows_by_value.setdefault(value, [])
        if not rows or rows[-1] // BLOCK != row // BLOCK:
            rows.append(row)
        if row >= since and value not in novelties:
            recency = _recency(np.array(rows), row, row // BLOCK + 1, days)
            if recency is not None and recency[1] <= level:
                novelties[value] = _novelty(row, recency, np.array(rows), value)
    return tuple(novelties.values())


def emerging_texts(
    vectors: Vectors, days: Floats, *, since: int, error: float
) -> tuple[Novelty, ...]:
    """Return the new kinds of text: rows from `since` on whose nearest incidents are too recent.

    Too recent means: more recent than chance explains, by the test of `emerging_values`. Earlier
    blocks are ranked by the cosine of their nearest incident, and the test is applied to the
    nearest 6, 12 and 24 blocks. This is a two-sample test by nearest neighbours (Schilling 1986;
    Henze 1988), applied to one new incident at a time. Novelties that share members are merged into
    the first of them, which gets all their members.
    """
    level = error / (max(len(vectors) - since, 1) * len(_RECENT_BLOCKS) * len(_NEIGHBOUR_COUNTS))
    novelties: list[Novelty] = []
    for start in range(max(since, _MIN_BLOCKS * BLOCK), len(vectors), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(vectors)))
        similarity = vectors[rows] @ vectors[: rows[-1] + 1].T
        for row, row_similarity in zip(rows.tolist(), similarity, strict=True):
            novelty = _text_novelty(row_similarity, row, days)
            if novelty is not None and novelty.p_value <= level:
                novelties.append(novelty)
    return _join_novelties(novelties)


def _text_novelty(similarity: Vectors, row: int, days: Floats) -> Novelty | None:
    blocks = row // BLOCK
    earlier_similarity = similarity[: blocks * BLOCK]
    max_count = min(_MAX_NEIGHBOURS, len(earlier_similarity))
    neighbours = np.argpartition(earlier_similarity, -max_count)[-max_count:]
    neighbours = neighbours[np.argsort(-earlier_similarity[neighbours], kind="stable")]
    neighbours = neighbours[np.sort(np.unique(neighbours // BLOCK, return_index=True)[1])]
    best: Novelty | None = None
    for neighbour_count in _NEIGHBOUR_COUNTS:
        nearest = neighbours[:neighbour_count]
        recency = _recency(nearest, row, blocks, days)
        if recency is not None and (best is None or recency[1] < best.p_value):
            best = _novelty(row, recency, nearest, None)
    return best


def _recency(rows: Rows, row: int, blocks: int, days: Floats) -> tuple[int, float] | None:
    """Return the first row of the last M blocks, and the p-value, for the M of lowest p-value.

    `rows` has one row for each block with the value, `row` is the tested row, and `blocks` counts
    all blocks so far. Returns None if no M meets the conditions of `emerging_values`.
    """
    best: tuple[int, float] | None = None
    for recent_blocks in _RECENT_BLOCKS:
        if recent_blocks >= blocks:
            break
        first = (blocks - recent_blocks) * BLOCK
        late_rows = rows[rows >= first]
        min_blocks = max(_MIN_LATE_BLOCKS, len(rows) * recent_blocks / blocks)
        if len(late_rows) < min_blocks or days[row] - days[late_rows.min()] < _MIN_DAYS:
            continue
        p_value = _tail_probability(len(late_rows), blocks, recent_blocks, len(rows))
        if best is None or p_value < best[1]:
            best = first, p_value
    return best


@lru_cache(maxsize=2**16)
def _tail_probability(late: int, blocks: int, recent: int, count: int) -> float:
    """Return the probability that at least `late` of `count` blocks are among the `recent` ones."""
    return float(hypergeom.sf(late - 1, blocks, recent, count))


def _novelty(row: int, recency: tuple[int, float], rows: Rows, value: str | None) -> Novelty:
    first, p_value = recency
    members = sorted({*rows[rows >= first].tolist(), row})
    return Novelty(row, tuple(members), int((rows < first).sum()), p_value, value)


def _join_novelties(novelties: Sequence[Novelty]) -> tuple[Novelty, ...]:
    kinds: list[tuple[Novelty, set[int]]] = []
    for novelty in novelties:
        members = set(novelty.members)
        overlapping = next((kind for kind in kinds if kind[1] & members), None)
        if overlapping is None:
            kinds.append((novelty, members))
        else:
            overlapping[1].update(members)
    return tuple(
        Novelty(first.row, tuple(sorted(members)), first.before, first.p_value)
        for first, members in kinds
    )

"""Tests for values and kinds of text that came up lately and hardly ever before."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from features.encoding.encoder import Vectors
from models.classification.cross_validation import Rows

Floats = NDArray[np.float64]

BLOCK = 10
_RECENT_BLOCKS = (4, 8, 16, 32)
_NEAREST = (6, 12, 24)
_LOOKED_AT = 120
_FEWEST = 3
_SHORTEST_DAYS = 1.0
_AT_ONCE = 500
_FEWEST_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class Novelty:
    """A value or kind of text that is new: the row that shows it, and the recent rows like it.

    `before` counts earlier blocks of incidents that had it, `chance` is how often as much of it
    would be recent in a time like the past. `value` is None where it is a kind of text.
    """

    row: int
    members: tuple[int, ...]
    before: int
    chance: float
    value: str | None = None


def emerging_values(
    values: Sequence[str | None], days: Floats, *, since: int, error: float
) -> tuple[Novelty, ...]:
    """Find values that came up at rows from `since` on; the first row of each, oldest first.

    The rows are in order of time, `days` says when. Ten rows make a block, in which a value counts
    once, so that a burst counts little. Of the K blocks that held a value so far, k are among the
    last M of B blocks: if nothing changed, these are K drawn from B without replacement, and the
    hypergeometric tail is the chance of it. An alarm needs a chance below `error`, shared among
    all rows since and four choices of M (Bonferroni), and a span of a day.

    >>> rare = ["mail"] * 600
    >>> rare[500::10] = ["kiosk"] * 10
    >>> found = emerging_values(rare, np.arange(600) / 20, since=300, error=0.01)
    >>> [(new.value, new.row) for new in found]
    [('kiosk', 530)]
    """
    level = error / (max(len(values) - since, 1) * len(_RECENT_BLOCKS))
    held: dict[str, list[int]] = {}
    found: dict[str, Novelty] = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        rows = held.setdefault(value, [])
        if not rows or rows[-1] // BLOCK != row // BLOCK:
            rows.append(row)
        if row >= since and value not in found:
            recency = _recency(np.array(rows), row, row // BLOCK + 1, days)
            if recency is not None and recency[1] <= level:
                found[value] = _novelty(row, recency, np.array(rows), value)
    return tuple(found.values())


def emerging_texts(
    vectors: Vectors, days: Floats, *, since: int, error: float
) -> tuple[Novelty, ...]:
    """Find rows from `since` on whose nearest earlier incidents are recent beyond chance.

    The test is that of `emerging_values`, on the blocks of the 6, 12 or 24 nearest of the incidents
    before (by cosine; of each block the nearest counts): a two-sample test by nearest neighbours
    (Schilling 1986; Henze 1988), made for one new incident at a time. Findings that share
    members are joined: the first is returned, with the members of all.
    """
    level = error / (max(len(vectors) - since, 1) * len(_RECENT_BLOCKS) * len(_NEAREST))
    found: list[Novelty] = []
    for start in range(max(since, _FEWEST_BLOCKS * BLOCK), len(vectors), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(vectors)))
        closeness = vectors[rows] @ vectors[: rows[-1] + 1].T
        for row, near in zip(rows.tolist(), closeness, strict=True):
            novelty = _text_novelty(near, row, days)
            if novelty is not None and novelty.chance <= level:
                found.append(novelty)
    return _joined(found)


def _text_novelty(closeness: Vectors, row: int, days: Floats) -> Novelty | None:
    blocks = row // BLOCK
    before = closeness[: blocks * BLOCK]
    count = min(_LOOKED_AT, len(before))
    near = np.argpartition(before, -count)[-count:]
    near = near[np.argsort(-before[near], kind="stable")]
    near = near[np.sort(np.unique(near // BLOCK, return_index=True)[1])]
    best: Novelty | None = None
    for nearest in _NEAREST:
        among = near[:nearest]
        recency = _recency(among, row, blocks, days)
        if recency is not None and (best is None or recency[1] < best.chance):
            best = _novelty(row, recency, among, None)
    return best


def _recency(rows: Rows, row: int, blocks: int, days: Floats) -> tuple[int, float] | None:
    """Return since which row it is recent, and by what chance; None where it is nothing new."""
    best: tuple[int, float] | None = None
    for recent in _RECENT_BLOCKS:
        if recent >= blocks:
            break
        first = (blocks - recent) * BLOCK
        late = rows[rows >= first]
        expected = len(rows) * recent / blocks
        if len(late) < max(_FEWEST, expected) or days[row] - days[late.min()] < _SHORTEST_DAYS:
            continue
        chance = _tail(len(late), blocks, recent, len(rows))
        if best is None or chance < best[1]:
            best = first, chance
    return best


@lru_cache(maxsize=2**16)
def _tail(late: int, blocks: int, recent: int, drawn: int) -> float:
    """Return the chance that of `drawn` blocks `late` or more are among the `recent` ones."""
    return float(hypergeom.sf(late - 1, blocks, recent, drawn))


def _novelty(row: int, recency: tuple[int, float], rows: Rows, value: str | None) -> Novelty:
    first, chance = recency
    members = sorted({*rows[rows >= first].tolist(), row})
    return Novelty(row, tuple(members), int((rows < first).sum()), chance, value)


def _joined(found: Sequence[Novelty]) -> tuple[Novelty, ...]:
    kinds: list[tuple[Novelty, set[int]]] = []
    for novelty in found:
        members = set(novelty.members)
        same = next((kind for kind in kinds if kind[1] & members), None)
        if same is None:
            kinds.append((novelty, members))
        else:
            same[1].update(members)
    return tuple(
        Novelty(first.row, tuple(sorted(members)), first.before, first.chance)
        for first, members in kinds
    )

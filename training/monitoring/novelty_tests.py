"""What is new: values and kinds of text that came up lately and hardly ever before."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

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
class NoveltyTest:
    """Something that came up: the row that gave it away, and the recent rows that are like it.

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
) -> tuple[NoveltyTest, ...]:
    """Find values that came up at rows from `since` on; the first sign of each, oldest first.

    The rows are in order of time, `days` says when. Ten rows make a block, in which a value counts
    once, so that a storm counts little. Of the K blocks that held a value so far, k are among the
    last M of B blocks: if nothing changed, these are K drawn from B without replacement, and the
    hypergeometric tail is the chance of it. An alarm needs a chance below `error`, shared among
    all rows since and four choices of M (Bonferroni), and a span of a day.

    >>> rare = ["mail"] * 600
    >>> rare[500::10] = ["kiosk"] * 10
    >>> found = emerging_values(rare, np.arange(600) / 20, since=300, error=0.01)
    >>> [(one.value, one.row) for one in found]
    [('kiosk', 530)]
    """
    level = error / (max(len(values) - since, 1) * len(_RECENT_BLOCKS))
    held: dict[str, list[int]] = {}
    found: dict[str, NoveltyTest] = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        rows = held.setdefault(value, [])
        if not rows or rows[-1] // BLOCK != row // BLOCK:
            rows.append(row)
        if row >= since and value not in found:
            sign = _sign(np.array(rows), row, row // BLOCK + 1, days)
            if sign is not None and sign[1] <= level:
                found[value] = _emergence(row, sign, np.array(rows), value)
    return tuple(found.values())


def emerging_texts(
    vectors: Vectors, days: Floats, *, since: int, error: float
) -> tuple[NoveltyTest, ...]:
    """Find rows from `since` on whose nearest earlier incidents are recent beyond chance.

    The test is that of `emerging_values`, on the blocks of the 6, 12 or 24 nearest of the incidents
    before (by cosine; of each block the nearest counts): a two-sample test by nearest neighbours
    (Schilling 1986; Henze 1988), made for one new incident at a time. Signs that share members are
    one; of each the first is returned, with the members of all.
    """
    level = error / (max(len(vectors) - since, 1) * len(_RECENT_BLOCKS) * len(_NEAREST))
    signs: list[NoveltyTest] = []
    for start in range(max(since, _FEWEST_BLOCKS * BLOCK), len(vectors), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(vectors)))
        closeness = vectors[rows] @ vectors[: rows[-1] + 1].T
        for row, near in zip(rows.tolist(), closeness, strict=True):
            sign = _sign_of_text(near, row, days)
            if sign is not None and sign.chance <= level:
                signs.append(sign)
    return _joined(signs)


def _sign_of_text(closeness: Vectors, row: int, days: Floats) -> NoveltyTest | None:
    blocks = row // BLOCK
    before = closeness[: blocks * BLOCK]
    count = min(_LOOKED_AT, len(before))
    near = np.argpartition(before, -count)[-count:]
    near = near[np.argsort(-before[near], kind="stable")]
    near = near[np.sort(np.unique(near // BLOCK, return_index=True)[1])]
    best: NoveltyTest | None = None
    for nearest in _NEAREST:
        among = near[:nearest]
        sign = _sign(among, row, blocks, days)
        if sign is not None and (best is None or sign[1] < best.chance):
            best = _emergence(row, sign, among, None)
    return best


def _sign(rows: Rows, row: int, blocks: int, days: Floats) -> tuple[int, float] | None:
    """Return since which row it is recent, and by what chance; None where it is nothing new."""
    best: tuple[int, float] | None = None
    for recent in _RECENT_BLOCKS:
        if recent >= blocks:
            break
        first = (blocks - recent) * BLOCK
        late = rows[rows >= first]
        if len(late) < _FEWEST or days[row] - days[late.min()] < _SHORTEST_DAYS:
            continue
        chance = _tail(len(late), blocks, recent, len(rows))
        if best is None or chance < best[1]:
            best = first, chance
    return best


@lru_cache(maxsize=2**16)
def _tail(late: int, blocks: int, recent: int, drawn: int) -> float:
    """Return the chance that of `drawn` blocks `late` or more are among the `recent` ones."""
    ways = sum(
        comb(recent, count) * comb(blocks - recent, drawn - count)
        for count in range(late, min(recent, drawn) + 1)
    )
    return ways / comb(blocks, drawn)


def _emergence(row: int, sign: tuple[int, float], rows: Rows, value: str | None) -> NoveltyTest:
    first, chance = sign
    members = sorted({*rows[rows >= first].tolist(), row})
    return NoveltyTest(row, tuple(members), int((rows < first).sum()), chance, value)


def _joined(signs: Sequence[NoveltyTest]) -> tuple[NoveltyTest, ...]:
    kinds: list[tuple[NoveltyTest, set[int]]] = []
    for sign in signs:
        members = set(sign.members)
        same = next((kind for kind in kinds if kind[1] & members), None)
        if same is None:
            kinds.append((sign, members))
        else:
            same[1].update(members)
    return tuple(
        NoveltyTest(first.row, tuple(sorted(members)), first.before, first.chance)
        for first, members in kinds
    )

"""The levels of the novelty p-value that restrict answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoveltyLevels:
    """The p-value that `auto` must exceed, and the p-value at which a report is called novel."""

    auto: float = 0.02
    novel: float = 0.01


DEFAULT_LEVELS = NoveltyLevels()

"""The histories that are replayed: visible ones with times, and made-up changes."""

from collections.abc import Callable
from dataclasses import dataclass

from data_sets import DATA_SETS, load_data_set
from replay_units import UnitOfTime

from features.domain.history import History


@dataclass(frozen=True, slots=True)
class ReplayedHistory:
    """A dated history, the unit by which it is replayed, and the targets to answer."""

    load: Callable[[], History]
    unit: UnitOfTime
    targets: tuple[str, ...]


REPLAYED = {
    "cloud-incidents": ReplayedHistory(
        lambda: load_data_set(DATA_SETS["cloud-incidents"]), UnitOfTime.MONTH, ("severity",)
    ),
}

"""How rare a point must be in a group of series, so that the group keeps its budget."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from features.store.incidents.series_states import StoredSeries
from models.timeseries.group_threshold import SMALL_RATE, GroupThreshold
from serving.watch.config import WatchedGroup
from serving.watch.score_window import Window
from serving.watch.watched_query import WatchedQuery

GROUPS_OF_WATCH = "watch groups"
"""The name under which the groups' states are stored, as those of a watch of their own."""
_TIER, _LAYOUT = "group", "1"


class GroupBudgets:
    """The rates at which points are anomalous, by group.

    The series of a small group share its budget equally. A large group has a `GroupThreshold`, and
    the series share what it allows.
    """

    def __init__(self, groups: Iterable[WatchedGroup], queries: Iterable[WatchedQuery]) -> None:
        self._budgets = {group.name: group.budget_per_week for group in groups}
        self._queries = tuple(queries)
        self._thresholds: dict[str, GroupThreshold] = {}

    def restore(self, stored: Mapping[str, StoredSeries]) -> None:
        """Continue with what large groups learned in an earlier watch."""
        for name, budget in self._budgets.items():
            known = stored.get(name)
            if known is not None and (known.tier, known.layout) == (_TIER, _LAYOUT):
                self._thresholds[name] = GroupThreshold(budget, known.state)

    def per_series(self, group: WatchedGroup, now: int) -> float:
        """Return the alarms a week below which a point of one of the group's series is anomalous.

        A large group's depends on the day of `now`, and on what it learned before.
        """
        count = self._count(group)
        if self._is_small(group, count):
            return group.budget_per_week / count
        return self._threshold(group).per_week(now) / count

    def learn(self, query: WatchedQuery, new: Window) -> None:
        """Learn from new points of one of the group's queries."""
        count = self._count(query.group)
        if not self._is_small(query.group, count):
            self._threshold(query.group).add(new.times, count * query.new_lows(new))

    def forget_after(self, time: int) -> None:
        """Forget what was learned of times that have not come yet."""
        for threshold in self._thresholds.values():
            threshold.forget_after(time)

    def to_store(self, queries: Iterable[WatchedQuery]) -> list[StoredSeries]:
        """Return what the large groups of some queries have learned."""
        steps = {query.group.name: query for query in queries}
        return [
            StoredSeries(
                name,
                {},
                _TIER,
                query.step_seconds,
                _LAYOUT,
                datetime.fromtimestamp(query.seen_until or 0, UTC),
                self._thresholds[name].state,
            )
            for name, query in steps.items()
            if name in self._thresholds
        ]

    def _count(self, group: WatchedGroup) -> int:
        counts: Counter[str] = Counter()
        for query in self._queries:
            counts[query.group.name] += len(query.keys)
        return max(1, counts[group.name])

    def _is_small(self, group: WatchedGroup, count: int) -> bool:
        return group.budget_per_week / count >= SMALL_RATE

    def _threshold(self, group: WatchedGroup) -> GroupThreshold:
        return self._thresholds.setdefault(group.name, GroupThreshold(group.budget_per_week))

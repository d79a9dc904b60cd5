"""A watched query: the series that it has selected so far, and the detector state of each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from features.store.incidents.series_states import StoredSeries
from features.timeseries.time_grid import Times, Values, per_second, slots
from models.base.series_model import SeriesModel
from models.timeseries.group_threshold import find_new_lows, no_lows
from serving.watch.clients.prometheus import Matrix
from serving.watch.config import WatchedGroup, WatchedSeries
from serving.watch.score_window import Window, missing_window
from serving.watch.series_keys import SeriesKey, series_name

WINDOW_POINTS = 240
FORGET_AFTER_SECONDS = 7 * 86_400

LabelSet = tuple[tuple[str, str], ...]


class WatchedQuery:
    """The series of one query, one row each, all read up to the same time `seen_until`.

    A new series is added as a row. A series that vanishes has missing values, and is forgotten
    after a week, or earlier if there are more than `max_series`. If the query has changed in the
    configuration, its stored states are no longer used. `newest_seen` is when the newest excursion
    of each series began that routines were looked for in.
    """

    def __init__(
        self,
        group: WatchedGroup,
        config: WatchedSeries,
        model: SeriesModel,
        *,
        step_seconds: int,
        max_series: int,
    ) -> None:
        self.group = group
        self.config = config
        self.name = f"{group.name}/{config.name}"
        self.step_seconds = step_seconds
        self.keys: list[SeriesKey] = []
        self.labels: list[Mapping[str, str]] = []
        self.names: list[str] = []
        self.services: list[str | None] = []
        self.seen_until: int | None = None
        self.window = missing_window(0, np.empty(0, np.int64))
        self.states = model.start(0)
        self.newest_seen = np.empty(0)
        self._model = model
        self._max_series = max_series
        self._rows: dict[SeriesKey, int] = {}
        self._row_of: dict[LabelSet, int] = {}
        self._present_at = np.empty(0, np.int64)
        self._lows = no_lows(0)

    @property
    def layout(self) -> str:
        """A digest of all that states depend on; stored states with another layout are not used."""
        query = (self.config.query, self.config.bounds, self.config.counter)
        parts = (self._model.layout, self.states.dtype.descr, query)
        return sha256(repr(parts).encode()).hexdigest()[:32]

    def restore(self, stored: Sequence[StoredSeries]) -> None:
        """Continue from the states that an earlier watch stored."""
        own_format = (self.config.tier, self.step_seconds, self.layout)
        usable = [
            series
            for series in stored
            if (series.tier, series.step_seconds, series.layout) == own_format
        ]
        if not usable:
            return
        keys = [SeriesKey.parse(series.key) for series in usable]
        self._add(keys, [series.labels for series in usable])
        self.states = self._model.restore(b"".join(series.state for series in usable))
        self.seen_until = max(int(series.seen_until.timestamp()) for series in usable)
        self._present_at[:] = self.seen_until

    def times_to_read(self, times: Times) -> Times:
        """Return the times to query for the values at `times`; a counter needs one earlier slot."""
        if not self.config.counter:
            return times
        return slots(int(times[0]) - self.step_seconds, int(times[-1]), self.step_seconds)

    def values_of(self, matrix: Matrix) -> Values:
        """Return the values in the order of the rows, after adding rows for new series."""
        read_values = matrix.values
        if self.config.counter:
            read_values = per_second(read_values, self.step_seconds)
        # Writing the key of each series anew would take longer than scoring its point.
        label_sets = [tuple(labels.items()) for labels in matrix.labels]
        new = [number for number, labels in enumerate(label_sets) if labels not in self._row_of]
        group, name = self.group.name, self.config.name
        keys = [SeriesKey.of(group, name, matrix.labels[number]) for number in new]
        self._add(keys, [matrix.labels[number] for number in new])
        values = np.full((len(self.keys), read_values.shape[1]), np.nan)
        values[[self._row_of[labels] for labels in label_sets]] = read_values
        return values

    def append(self, new: Window) -> Window:
        """Add new scored points to the window; return the earlier points and the new points."""
        joined = self.window.followed_by(new)
        self.window = joined.latest(WINDOW_POINTS)
        self.seen_until = int(new.times[-1])
        last_times = np.where(np.isfinite(new.values), new.times, 0).max(axis=1, initial=0)
        self._present_at = np.maximum(self._present_at, last_times)
        return joined

    def new_lows(self, new: Window) -> NDArray[np.float64]:
        """Return the lowest rate at each new time, of those that are new in their excursion.

        Revoked routines, with a rate of 0, are no false alarms, and left out.
        """
        alarms = new.scores.alarms_per_week
        return find_new_lows(self._lows, new.times, np.where(alarms > 0, alarms, np.inf))

    def forget_vanished(self) -> list[SeriesKey]:
        """Forget the series that have had no value for too long, and return their keys."""
        oldest = (self.seen_until or 0) - FORGET_AFTER_SECONDS
        if len(self.keys) > self._max_series:
            oldest = max(oldest, int(np.sort(self._present_at)[-self._max_series]))
        return self._select(self._present_at >= oldest)

    def is_beyond(self, latest: int) -> bool:
        """Return whether the query was read more than a step beyond the latest slot."""
        return self.seen_until is not None and self.seen_until > latest + self.step_seconds

    def reset(self) -> list[SeriesKey]:
        """Forget all series and points, and return the keys of the series."""
        removed = self._select(np.zeros(len(self.keys), np.bool_))
        self.seen_until = None
        self.window = missing_window(0, np.empty(0, np.int64))
        return removed

    def _select(self, mask: NDArray[np.bool_]) -> list[SeriesKey]:
        """Keep the rows that the mask selects, and return the keys of the others."""
        if mask.all():
            return []
        removed = list(compress(self.keys, ~mask))
        self.keys, self.labels = list(compress(self.keys, mask)), list(compress(self.labels, mask))
        self.names = list(compress(self.names, mask))
        self.services = list(compress(self.services, mask))
        self._rows = {key: row for row, key in enumerate(self.keys)}
        self._row_of = {_label_set(labels): row for row, labels in enumerate(self.labels)}
        self.states, self.window = self.states[mask], self.window.series(mask)
        self._present_at, self._lows = self._present_at[mask], self._lows[mask]
        self.newest_seen = self.newest_seen[mask]
        return removed

    def row_of(self, key: SeriesKey) -> int | None:
        """Return the row of a series, None if it is not watched (any more)."""
        return self._rows.get(key)

    def to_store(self) -> list[StoredSeries]:
        """Return the state of each series as it is stored."""
        if self.seen_until is None:
            return []
        seen_until, layout = datetime.fromtimestamp(self.seen_until, UTC), self.layout
        tier, step_seconds = self.config.tier, self.step_seconds
        return [
            StoredSeries(str(key), labels, tier, step_seconds, layout, seen_until, state.tobytes())
            for key, labels, state in zip(self.keys, self.labels, self.states, strict=True)
        ]

    def _add(self, keys: Sequence[SeriesKey], label_sets: Sequence[Mapping[str, str]]) -> None:
        if not keys:
            return
        self._rows |= {key: row for row, key in enumerate(keys, start=len(self.keys))}
        self._row_of |= {
            _label_set(labels): row for row, labels in enumerate(label_sets, start=len(self.keys))
        }
        self.keys.extend(keys)
        self.labels.extend(label_sets)
        self.names.extend(series_name(self.config.name, labels) for labels in label_sets)
        self.services.extend(self._service(labels) for labels in label_sets)
        self.states = np.concatenate([self.states, self._model.start(len(keys))])
        self.newest_seen = np.concatenate([self.newest_seen, np.zeros(len(keys))])
        self.window = self.window.with_new_series(len(keys))
        present_at = np.full(len(keys), self.seen_until or 0, np.int64)
        self._present_at = np.concatenate([self._present_at, present_at])
        self._lows = np.concatenate([self._lows, no_lows(len(keys))])

    def _service(self, labels: Mapping[str, str]) -> str | None:
        label = self.config.service_label or self.group.service_label
        return (labels.get(label) if label else None) or self.group.service


def _label_set(labels: Mapping[str, str]) -> LabelSet:
    """Return labels in the order in which answers have them."""
    return tuple(sorted(labels.items()))

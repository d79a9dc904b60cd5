"""A watched query: which series it has selected so far, and what the detector remembers of each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from features.store.incidents.series_states import StoredSeries
from features.timeseries.time_grid import Times, Values, per_second, slots
from models.base.series_model import SeriesModel
from serving.watch.clients.prometheus import Matrix
from serving.watch.config import WatchedGroup, WatchedSeries
from serving.watch.score_window import Window, unseen
from serving.watch.series_keys import SeriesKey, series_name

WINDOW_POINTS = 240
FORGOTTEN_AFTER_SECONDS = 7 * 86_400


class WatchedQuery:
    """The series of one query, a row each, all read up to the same time `seen_until`.

    A series that appears is started; one that vanishes is a gap, and forgotten after a week, or
    earlier when others need its place. When the query is written anew in the config, what was
    remembered of it no longer counts.
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
        self.shown: list[str] = []
        self.services: list[str | None] = []
        self.seen_until: int | None = None
        self.window = unseen(0, np.empty(0, np.int64))
        self.states = model.start(0)
        self._model = model
        self._max_series = max_series
        self._rows: dict[SeriesKey, int] = {}
        self._present_at = np.empty(0, np.int64)

    @property
    def layout(self) -> str:
        """What a stored state must have been made with to be of use."""
        asked = (self.config.query, self.config.bounds, self.config.counter)
        made_of = (self._model.layout, self.states.dtype.descr, asked)
        return sha256(repr(made_of).encode()).hexdigest()[:32]

    def restore(self, stored: Sequence[StoredSeries]) -> None:
        """Go on from where a watch before this one got to."""
        mine = (self.config.tier, self.step_seconds, self.layout)
        known = [each for each in stored if (each.tier, each.step_seconds, each.layout) == mine]
        if not known:
            return
        self._add([SeriesKey.parse(each.key) for each in known], [each.labels for each in known])
        self.states = self._model.restore(b"".join(each.state for each in known))
        self.seen_until = max(int(each.seen_until.timestamp()) for each in known)
        self._present_at[:] = self.seen_until

    def times_to_read(self, times: Times) -> Times:
        """Return what to ask for so that `values_of` can tell the values at the times."""
        if not self.config.counter:
            return times
        return slots(int(times[0]) - self.step_seconds, int(times[-1]), self.step_seconds)

    def values_of(self, matrix: Matrix) -> Values:
        """Return the values in the order of the rows, after new rows for series not met before."""
        keys = [SeriesKey.of(self.group.name, self.config.name, each) for each in matrix.labels]
        found = matrix.values
        if self.config.counter:
            found = per_second(found, self.step_seconds)
        new = [at for at, key in enumerate(keys) if key not in self._rows]
        self._add([keys[at] for at in new], [matrix.labels[at] for at in new])
        values = np.full((len(self.keys), found.shape[1]), np.nan)
        values[[self._rows[key] for key in keys]] = found
        return values

    def take(self, read: Window) -> Window:
        """Remember what was read and scored; return it together with the points before."""
        both = self.window.followed_by(read)
        self.window = both.latest(WINDOW_POINTS)
        self.seen_until = int(read.times[-1])
        last = np.where(np.isfinite(read.values), read.times, 0).max(axis=1, initial=0)
        self._present_at = np.maximum(self._present_at, last)
        return both

    def forget_vanished(self) -> list[SeriesKey]:
        """Forget the series that have been missing for too long, and return their keys."""
        oldest = (self.seen_until or 0) - FORGOTTEN_AFTER_SECONDS
        if len(self.keys) > self._max_series:
            oldest = max(oldest, int(np.sort(self._present_at)[-self._max_series]))
        return self._keep(self._present_at >= oldest)

    def is_beyond(self, latest: int) -> bool:
        """Tell whether it was read more than a step beyond the latest slot."""
        return self.seen_until is not None and self.seen_until > latest + self.step_seconds

    def begin_anew(self) -> list[SeriesKey]:
        """Forget all that was read, and return the keys of the series."""
        gone = self._keep(np.zeros(len(self.keys), np.bool_))
        self.seen_until = None
        self.window = unseen(0, np.empty(0, np.int64))
        return gone

    def _keep(self, kept: NDArray[np.bool_]) -> list[SeriesKey]:
        if kept.all():
            return []
        gone = list(compress(self.keys, ~kept))
        self.keys, self.labels = list(compress(self.keys, kept)), list(compress(self.labels, kept))
        self.shown = list(compress(self.shown, kept))
        self.services = list(compress(self.services, kept))
        self._rows = {key: row for row, key in enumerate(self.keys)}
        self.states, self.window = self.states[kept], self.window.series(kept)
        self._present_at = self._present_at[kept]
        return gone

    def row_of(self, key: SeriesKey) -> int | None:
        """Return the row of a series, None if it is not watched (any longer)."""
        return self._rows.get(key)

    def to_store(self) -> list[StoredSeries]:
        """Return what to remember of each series."""
        if self.seen_until is None:
            return []
        seen_until, layout = datetime.fromtimestamp(self.seen_until, UTC), self.layout
        tier, step_seconds = self.config.tier, self.step_seconds
        return [
            StoredSeries(str(key), labels, tier, step_seconds, layout, seen_until, state.tobytes())
            for key, labels, state in zip(self.keys, self.labels, self.states, strict=True)
        ]

    def _add(self, keys: Sequence[SeriesKey], labels: Sequence[Mapping[str, str]]) -> None:
        if not keys:
            return
        self._rows |= {key: row for row, key in enumerate(keys, start=len(self.keys))}
        self.keys.extend(keys)
        self.labels.extend(labels)
        self.shown.extend(series_name(self.config.name, each) for each in labels)
        self.services.extend(self._service(each) for each in labels)
        self.states = np.concatenate([self.states, self._model.start(len(keys))])
        self.window = self.window.with_new_series(len(keys))
        now = np.full(len(keys), self.seen_until or 0, np.int64)
        self._present_at = np.concatenate([self._present_at, now])

    def _service(self, labels: Mapping[str, str]) -> str | None:
        label = self.config.service_label or self.group.service_label
        return (labels.get(label) if label else None) or self.group.service

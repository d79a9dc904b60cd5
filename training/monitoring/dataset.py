"""Reads the data of a monitoring report: incidents in order of time, their labels and vectors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.domain.report import ResolvedIncident
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache, Progress, encode_ahead
from features.home import Home
from features.store.store import Store
from features.text.cleaning import incident_text
from models.base.target_labels import label_of
from models.classification.learning.cross_validation import Rows, report_copy_groups
from training.dataset.point_in_time import read_point_in_time

Floats = NDArray[np.float64]

_DAYS_PER_YEAR = 365.0
_BURST_DAYS = 1.0


@dataclass(frozen=True)
class MonitoringDataset:
    """Incidents with known opening times, oldest first; of a burst of near-copies only the first.

    `vectors`, of shape (incidents, dimension), encode their texts.
    """

    incidents: tuple[ResolvedIncident, ...]
    vectors: Vectors

    @cached_property
    def days(self) -> Floats:
        """When each incident was opened, in days since 1970."""
        return np.array([opened_at(incident).timestamp() for incident in self.incidents]) / 86_400

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The incidents' ids."""
        return tuple(incident.report.id for incident in self.incidents)

    @cached_property
    def until(self) -> datetime | None:
        """When the newest incident was opened, None without incidents."""
        return opened_at(self.incidents[-1]) if self.incidents else None

    def labels(self, target: str) -> tuple[str | None, ...]:
        """Return each incident's label of a target, None if unknown."""
        return tuple(label_of(incident.outcome, target) for incident in self.incidents)

    def first_since(self, moment: datetime) -> int:
        """Return the number of the first row that was opened after a moment."""
        return int(np.searchsorted(self.days, moment.timestamp() / 86_400, side="right"))

    def error_for(self, yearly_error: float, since: int) -> float:
        """Return the probability of a false alarm that the rows from `since` on may have together.

        `yearly_error` is the probability of a false alarm in a year. It is divided equally among
        the average number of rows in a year.
        """
        if not self.incidents:
            return yearly_error
        days = max(float(self.days[-1] - self.days[0]), 1.0)
        rows_per_year = len(self.days) / days * _DAYS_PER_YEAR
        return yearly_error * max(len(self.days) - since, 1) / rows_per_year


def opened_at(incident: ResolvedIncident) -> datetime:
    """Return when an incident was opened, which must be known."""
    if incident.report.opened_at is None:
        raise ValueError(f"the opening time of {incident.report.id} is unknown")
    return incident.report.opened_at


def read_monitoring_dataset(
    store: Store, home: Home, encoder: str, progress: Progress = lambda _count: None
) -> MonitoringDataset:
    """Read the dated incidents of the store with their strongest labels, and encode new texts."""
    # The times of a replayed history may be later than now.
    distant_future = datetime.now(UTC) + timedelta(days=36_500)
    stored_incidents = read_point_in_time(store, distant_future).history.incidents
    incidents = first_incidents(stored_incidents)
    vectors = _encode(incidents, home, encoder, progress)
    return MonitoringDataset(tuple(incidents), vectors)


def first_incidents(incidents: Iterable[ResolvedIncident]) -> list[ResolvedIncident]:
    """Return the incidents with known opening times, oldest first; of each burst only the first."""
    dated = sorted(
        (incident for incident in incidents if incident.report.opened_at is not None),
        key=lambda incident: (opened_at(incident), incident.report.id),
    )
    if not dated:
        return []
    days = np.array([opened_at(incident).timestamp() for incident in dated]) / 86_400
    groups: Rows = report_copy_groups([incident.report for incident in dated])
    return [dated[int(row)] for row in first_of_bursts(groups, days)]


def first_of_bursts(groups: Rows, days: NDArray[np.float64]) -> Rows:
    """Return the rows that have no near-copy in the day before them.

    Rows are in order of time. A burst counts once however long it lasts, since each copy is
    compared with the copy before it.

    >>> first_of_bursts(np.array([0, 0, 1, 0]), np.array([0.0, 0.5, 0.6, 3.0])).tolist()
    [0, 2, 3]
    """
    last_days: dict[int, float] = {}
    first_rows = []
    for row, (group, day) in enumerate(zip(groups.tolist(), days.tolist(), strict=True)):
        if day - last_days.get(group, -np.inf) >= _BURST_DAYS:
            first_rows.append(row)
        last_days[group] = day
    return np.array(first_rows, dtype=np.int64)


def _encode(
    incidents: Sequence[ResolvedIncident], home: Home, reference: str, progress: Progress
) -> Vectors:
    encoder = open_encoder(reference)
    texts = [incident_text(incident.report) for incident in incidents]
    encode_ahead(encoder, [text for text in texts if text], _cache(home, reference), progress)
    return encoder.encode(texts)


def _cache(home: Home, reference: str) -> EncodingCache:
    return EncodingCache(home.encodings, open_encoder(reference))

"""The data of a monitoring report: incidents in order of time, their labels and vectors."""

from collections.abc import Sequence
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
from models.classification.cross_validation import Rows, report_copy_groups
from training.dataset.point_in_time import read_point_in_time

Floats = NDArray[np.float64]

_A_YEAR = 365.0
_BURST_DAYS = 1.0


@dataclass(frozen=True)
class MonitoringDataset:
    """Incidents whose time is known, oldest first, one of each burst.

    `vectors`, of shape (incidents, dimension), encode their texts.
    """

    incidents: tuple[ResolvedIncident, ...]
    vectors: Vectors

    @cached_property
    def days(self) -> Floats:
        """When each was opened, in days."""
        return np.array([opened_at(incident).timestamp() for incident in self.incidents]) / 86_400

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The incidents' ids."""
        return tuple(incident.report.id for incident in self.incidents)

    @cached_property
    def until(self) -> datetime | None:
        """When the newest was opened."""
        return opened_at(self.incidents[-1]) if self.incidents else None

    def labels(self, target: str) -> tuple[str | None, ...]:
        """Return each incident's label for a target, None where nobody knows."""
        return tuple(label_of(incident.outcome, target) for incident in self.incidents)

    def first_since(self, moment: datetime) -> int:
        """Return the first row that was opened after the moment."""
        return int(np.searchsorted(self.days, moment.timestamp() / 86_400, side="right"))

    def error_for(self, a_year: float, since: int) -> float:
        """Return the chance of a false alarm that the rows since may spend of a year's.

        Each row spends as much, whatever is in it.
        """
        if not self.incidents:
            return a_year
        span = max(float(self.days[-1] - self.days[0]), 1.0)
        rows_a_year = len(self.days) / span * _A_YEAR
        return a_year * max(len(self.days) - since, 1) / rows_a_year


def opened_at(incident: ResolvedIncident) -> datetime:
    """Return when an incident was opened, which must be known."""
    if incident.report.opened_at is None:
        raise ValueError(f"nobody knows when {incident.report.id} was opened")
    return incident.report.opened_at


def read_monitoring_dataset(
    store: Store, home: Home, encoder: str, progress: Progress = lambda _count: None
) -> MonitoringDataset:
    """Read every incident of the store with its strongest label, and encode what is new."""
    # A replayed history may lie in the future of this machine's clock.
    always = datetime.now(UTC) + timedelta(days=36_500)
    stored = read_point_in_time(store, always).history.incidents
    timed = sorted(
        (incident for incident in stored if incident.report.opened_at is not None),
        key=lambda incident: (opened_at(incident), incident.report.id),
    )
    incidents = _first_of_bursts(timed)
    vectors = _encode(incidents, home, encoder, progress)
    return MonitoringDataset(tuple(incidents), vectors)


def _first_of_bursts(timed: Sequence[ResolvedIncident]) -> list[ResolvedIncident]:
    if not timed:
        return []
    days = np.array([opened_at(incident).timestamp() for incident in timed]) / 86_400
    groups: Rows = report_copy_groups([incident.report for incident in timed])
    return [timed[int(row)] for row in first_of_bursts(groups, days)]


def first_of_bursts(groups: Rows, days: NDArray[np.float64]) -> Rows:
    """Return the rows, in order of time, without copies of an incident less than a day older.

    A burst that goes on counts once, however long: each copy is compared with the copy before it.

    >>> first_of_bursts(np.array([0, 0, 1, 0]), np.array([0.0, 0.5, 0.6, 3.0])).tolist()
    [0, 2, 3]
    """
    last: dict[int, float] = {}
    firsts = []
    for row, (group, day) in enumerate(zip(groups.tolist(), days.tolist(), strict=True)):
        if day - last.get(group, -np.inf) >= _BURST_DAYS:
            firsts.append(row)
        last[group] = day
    return np.array(firsts, dtype=np.int64)


def _encode(
    incidents: Sequence[ResolvedIncident], home: Home, reference: str, progress: Progress
) -> Vectors:
    encoder = open_encoder(reference)
    texts = [incident_text(incident.report) for incident in incidents]
    encode_ahead(encoder, [text for text in texts if text], _cache(home, reference), progress)
    return encoder.encode(texts)


def _cache(home: Home, reference: str) -> EncodingCache:
    return EncodingCache(home.encodings, open_encoder(reference))

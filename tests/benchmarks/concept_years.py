"""Years made of real incidents: weekly seasons, storms, and one change of concept or none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import Vectors
from models.classification.learning.cross_validation import Rows, report_copy_groups
from training.monitoring.dataset import MonitoringDataset, first_of_bursts

KINDS = ("quiet", "renamed category", "new service", "new failure mode")
PAST_DAYS, YEAR_DAYS = 120, 365
_BEGINS = datetime(2025, 1, 6, tzinfo=UTC)
_WEEK = np.array([1.0, 1.05, 1.0, 0.95, 0.9, 0.25, 0.2])
_STORMS = 30
_OF_A_KIND = 60


@dataclass(frozen=True, slots=True)
class Pool:
    """Incidents to draw years from, of which `kinds` numbers the kind: a tight group of texts."""

    name: str
    incidents: tuple[ResolvedIncident, ...]
    vectors: Vectors
    kinds: Rows
    copies: Rows


@dataclass(frozen=True, slots=True)
class Year:
    """A made-up year: its incidents once a storm, how many were raw, and when it changed."""

    dataset: MonitoringDataset
    raw_days: np.ndarray
    changed_at: float | None

    @property
    def since(self) -> int:
        """The first row after the past that everything is compared with."""
        return int(np.searchsorted(self.dataset.days, _day_zero() + PAST_DAYS))

    def raw_between(self, start: float, end: float) -> int:
        """How many incidents were opened from one day to another, copies included."""
        return int(((self.raw_days >= start) & (self.raw_days <= end)).sum())


def make_pool(name: str, incidents: Sequence[ResolvedIncident], vectors: Vectors) -> Pool:
    """Group incidents into kinds of about sixty by their vectors."""
    clusters = max(len(incidents) // _OF_A_KIND, 2)
    kinds = MiniBatchKMeans(clusters, random_state=0, n_init=1).fit_predict(vectors)
    copies = report_copy_groups([incident.report for incident in incidents])
    return Pool(name, tuple(incidents), vectors, kinds.astype(np.int64), copies)


def make_year(pool: Pool, kind: str, *, seed: int, a_year: int, share: float) -> Year:
    """Draw `a_year` incidents a year over 485 days; `share` of them are new after a change."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    held_out = rng.choice(_fit_to_be_new(pool))
    old = np.flatnonzero(pool.kinds != held_out)
    days = np.sort(_draw_days(rng, int(a_year * (PAST_DAYS + YEAR_DAYS) / YEAR_DAYS)))
    rows = rng.choice(old, len(days), replace=False)
    changed_at = None if kind == "quiet" else PAST_DAYS + float(rng.uniform(30, 300))
    is_new = np.zeros(len(rows), dtype=np.bool_)
    if kind in KINDS[2:]:
        is_new = (days >= changed_at) & (rng.random(len(rows)) < share)
        rows[is_new] = rng.choice(np.flatnonzero(pool.kinds == held_out), int(is_new.sum()))
    rows, days, is_new = _with_storms(pool, rng, rows, days, is_new, old)
    renamed = _to_be_renamed(pool, rows, rng, share) if kind == KINDS[1] else None
    incidents = [
        _retold(pool.incidents[row], number, day, kind, new, changed_at, renamed)
        for number, (row, day, new) in enumerate(zip(rows, days, is_new, strict=True))
    ]
    firsts = first_of_bursts(pool.copies[rows], days)
    dataset = MonitoringDataset(tuple(incidents[row] for row in firsts), pool.vectors[rows[firsts]])
    shift = _day_zero()
    return Year(dataset, days + shift, None if changed_at is None else changed_at + shift)


def _fit_to_be_new(pool: Pool) -> Rows:
    sizes = np.bincount(pool.kinds)
    return np.flatnonzero((sizes >= 30) & (sizes <= 0.05 * len(pool.kinds)))


def _draw_days(rng: np.random.Generator, count: int) -> np.ndarray:
    all_days = np.arange(PAST_DAYS + YEAR_DAYS)
    weight = _WEEK[all_days % 7] * (1 + 0.2 * np.sin(all_days / 58))
    hours = rng.choice(24, count, p=_office_hours())
    return rng.choice(all_days, count, p=weight / weight.sum()) + (hours + rng.random(count)) / 24


def _office_hours() -> np.ndarray:
    weight = np.where((np.arange(24) >= 7) & (np.arange(24) <= 17), 1.0, 0.15)
    return weight / weight.sum()


def _with_storms(pool, rng, rows, days, is_new, old):
    """Add storms of 6 to 25 alike incidents within four hours, half of them copies of the first."""
    unused = np.setdiff1d(old, rows)
    more_rows, more_days = [rows], [days]
    for _ in range(_STORMS):
        first = rng.choice(unused)
        size = int(rng.integers(6, 26))
        alike = unused[np.argsort(-(pool.vectors[unused] @ pool.vectors[first]))[:size]]
        more_rows.append(np.where(rng.random(len(alike)) < 0.5, first, alike))
        begins = rng.uniform(0, PAST_DAYS + YEAR_DAYS - 1)
        more_days.append(begins + rng.random(len(alike)) / 6)
    rows, days = np.concatenate(more_rows), np.concatenate(more_days)
    is_new = np.concatenate([is_new, np.zeros(len(rows) - len(is_new), dtype=np.bool_)])
    order = np.argsort(days, kind="stable")
    return rows[order], days[order], is_new[order]


def _to_be_renamed(
    pool: Pool, rows: Rows, rng: np.random.Generator, share: float
) -> frozenset[str]:
    """Choose categories, the one that most have apart, until a share of incidents has them."""
    labels = [pool.incidents[row].outcome.category for row in rows]
    names, counts = np.unique([label for label in labels if label], return_counts=True)
    order = rng.permutation(np.delete(np.arange(len(names)), counts.argmax()))
    enough = int(np.searchsorted(np.cumsum(counts[order]) / len(rows), share)) + 1
    return frozenset(str(name) for name in names[order[:enough]])


def _retold(incident, number, day, kind, is_new, changed_at, renamed) -> ResolvedIncident:
    report, outcome = incident.report, incident.outcome
    opened_at = _BEGINS + timedelta(days=float(day))
    service = "the new service" if is_new and kind == "new service" else report.service
    if renamed is not None and outcome.category in renamed and day >= changed_at:
        outcome = replace(outcome, category=f"{outcome.category} (renamed)")
    report = replace(report, id=f"INC{number}", opened_at=opened_at, service=service)
    return ResolvedIncident(report, outcome)


def _day_zero() -> float:
    return _BEGINS.timestamp() / 86_400


def untimed(text: str, category: str, service: str) -> ResolvedIncident:
    """Return an incident of a pool."""
    return ResolvedIncident(
        IncidentReport(id="", title=text, service=service), Outcome(category=category)
    )

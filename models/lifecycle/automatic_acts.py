"""Estimates how often an automatic act is wrong, from the answers of the audit sample."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from features.domain.predictions import AuditedAnswer
from features.store.store import Store
from models.statistics.confidence_sequence import precision_bounds

_PERIOD = timedelta(days=90)
_PER = 1_000


@dataclass(frozen=True, slots=True)
class AutomaticActs:
    """The automatic acts on incidents, and how many of them are wrong by the audit sample.

    An act is an answer about one target of one incident whose decision and mode are both `auto`;
    answers that are held back for the audit count too. `acted_on` counts the incidents with at
    least one act. `checked` counts the audited answers that a person decided, `wrong_share` is the
    estimated share of wrong acts and `wrong_share_high` its upper 95% bound.
    """

    incidents: int = 0
    acted_on: int = 0
    acts: int = 0
    checked: int = 0
    wrong_share: float | None = None
    wrong_share_high: float = 1.0

    @property
    def auto_share(self) -> float:
        """The share of incidents with at least one automatic act."""
        return self.acted_on / self.incidents if self.incidents else 0.0

    @property
    def wrong_per_1000(self) -> float | None:
        """The estimated wrong acts per 1,000 incidents; None if acts were made and none checked."""
        if not self.acts:
            return 0.0
        return None if self.wrong_share is None else self._per_1000(self.wrong_share)

    @property
    def high_per_1000(self) -> float:
        """The upper 95% bound of the wrong acts per 1,000 incidents."""
        return self._per_1000(self.wrong_share_high)

    def _per_1000(self, share: float) -> float:
        return _PER * share * self.acts / self.incidents if self.incidents else 0.0


def measure_acts(store: Store) -> AutomaticActs:
    """Count the acts of the 90 days before the newest answer, and estimate the wrong ones.

    Raises `StoreUnavailable`.
    """
    newest = store.predictions.newest_at()
    if newest is None:
        return AutomaticActs()
    since = newest - _PERIOD
    counts = store.predictions.count_acts(since)
    checked = [
        answer
        for answer in store.predictions.audited()
        if answer.truth is not None and answer.answered_at >= since
    ]
    share, high = estimate_wrong(checked)
    return AutomaticActs(counts.incidents, counts.acted_on, counts.acts, len(checked), share, high)


def estimate_wrong(checked: Iterable[AuditedAnswer]) -> tuple[float | None, float]:
    """Return the share of wrong acts, None without checked answers, and its upper 95% bound.

    Each answer is weighted by the inverse of its probability of being drawn (Horvitz and Thompson
    1952). Near-copies are drawn together, so they are one observation: the bound is that of
    `precision_bounds` at Kish's effective number of groups (1965), and stays valid however often it
    is computed.
    """
    weights: dict[object, float] = defaultdict(float)
    wrong = 0.0
    for answer in checked:
        weight = 1 / answer.share
        weights[answer.target, answer.group or answer.incident_id] += weight
        wrong += weight * (answer.truth != answer.label)
    total = sum(weights.values())
    if not total:
        return None, 1.0
    groups = total**2 / sum(weight**2 for weight in weights.values())
    wrong_groups = ceil(groups * wrong / total - 1e-9)
    bounds = precision_bounds(max(int(groups + 1e-9) - wrong_groups, 0), wrong_groups)
    return wrong / total, 1 - bounds.low

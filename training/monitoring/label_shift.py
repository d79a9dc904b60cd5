"""Measures how much the shares of labels changed, and proposes classes to retire."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.stats import hypergeom

from features.domain.monitoring import Measure, Proposal
from models.classification.scorers.scorer import Rows
from training.evaluation.drift import label_distance
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.findings import Findings
from training.monitoring.novelty_tests import BLOCK

_REPLICATES = 200
_MIN_LABELLED = 60
_MAX_P_VALUE = 0.001
_MAX_EXAMPLES = 3


def measure_label_shift(dataset: MonitoringDataset, target: str, since: int) -> Findings:
    """Measure how label shares changed from row `since` on; propose unused classes to retire."""
    all_labels = dataset.labels(target)
    rows = np.flatnonzero([label is not None for label in all_labels]).astype(np.int64)
    labels = [str(all_labels[row]) for row in rows]
    first = int(np.searchsorted(rows, since))
    if min(first, len(rows) - first) < _MIN_LABELLED:
        return Findings()
    days = np.floor(dataset.days[rows]).astype(np.int64)
    return Findings(
        measures=(_measure_shift(target, labels, first, days),),
        proposals=tuple(_propose_retirements(dataset, target, rows, labels)),
    )


def _measure_shift(target: str, labels: Sequence[str], first: int, days: Rows) -> Measure:
    """Return the share of labels that would have to change to restore the earlier shares.

    The measure's `reference` is the 95% quantile of this distance for shuffled days.
    """
    classes, numbers = np.unique(np.array(labels), return_inverse=True)
    _, day = np.unique(days, return_inverse=True)
    counts = np.zeros((day.max() + 1, len(classes)))
    np.add.at(counts, (day, numbers), 1)
    is_late = np.zeros(len(counts), dtype=np.bool_)
    is_late[day[first:]] = True
    distance = label_distance(counts, is_late)
    generator = np.random.default_rng(0)
    random_distances = [
        label_distance(counts, generator.permutation(is_late)) for _ in range(_REPLICATES)
    ]
    reference = float(np.quantile(random_distances, 0.95))
    n = len(labels) - first
    return Measure("label shares moved", distance, None, None, reference, target, n=n)


def _propose_retirements(
    dataset: MonitoringDataset, target: str, rows: Rows, labels: Sequence[str]
) -> list[Proposal]:
    """Propose to retire each class that has not occurred for an improbably long time.

    Ten incidents make a block. Of B blocks, K have the class, and none of the last M has it. If
    nothing changed, the probability of this is hypergeometric: C(B-M, K) / C(B, K). It must be at
    most 1 in 1,000, divided by the number of classes.
    """
    last_places: dict[str, int] = {}
    block_counts: Counter[str] = Counter()
    for place, label in enumerate(labels):
        if label not in last_places or last_places[label] // BLOCK != place // BLOCK:
            block_counts[label] += 1
        last_places[label] = place
    blocks = len(labels) // BLOCK + 1
    proposals = []
    for label, place in last_places.items():
        count, silent_blocks = block_counts[label], blocks - place // BLOCK - 1
        p_value = hypergeom.pmf(0, blocks, silent_blocks, count)
        if p_value <= _MAX_P_VALUE / len(last_places):
            expected = count * silent_blocks / (blocks - silent_blocks)
            proposals.append(_retirement(dataset, target, label, rows, labels, expected))
    return proposals


def _retirement(
    dataset: MonitoringDataset,
    target: str,
    label: str,
    rows: Rows,
    labels: Sequence[str],
    expected: float,
) -> Proposal:
    label_rows = [int(row) for row, name in zip(rows, labels, strict=True) if name == label]
    since = opened_at(dataset.incidents[label_rows[-1]])
    return Proposal(
        kind="retired",
        target=target,
        name=label,
        statement=(
            f"{label!r} last occurred on {since:%Y-%m-%d}; about {max(expected, 1):.0f} more "
            "incidents were expected since; if it was retired or renamed, change it in the history"
        ),
        count=len(label_rows),
        since=since,
        examples=tuple(dataset.ids[row] for row in label_rows[-_MAX_EXAMPLES:]),
    )

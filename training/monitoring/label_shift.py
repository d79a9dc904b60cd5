"""How the shares of labels moved, and which classes seem to be gone."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.stats import hypergeom

from features.domain.monitoring import Measure, Proposal
from models.classification.cross_validation import Rows
from training.evaluation.drift import label_distance
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.findings import Findings
from training.monitoring.novelty_tests import BLOCK

_REPLICATES = 200
_FEWEST_LABELLED = 60
_RARELY = 0.001
_EXAMPLES = 3


def measure_label_shift(dataset: MonitoringDataset, target: str, since: int) -> Findings:
    """Measure how far label shares moved since a row, and propose to retire what never comes."""
    labels = dataset.labels(target)
    rows = np.array([row for row, label in enumerate(labels) if label is not None], dtype=np.int64)
    known = [str(labels[row]) for row in rows]
    first = int(np.searchsorted(rows, since))
    if min(first, len(rows) - first) < _FEWEST_LABELLED:
        return Findings()
    return Findings(
        measures=(_shift(target, known, first, np.floor(dataset.days[rows]).astype(np.int64)),),
        proposals=tuple(_retired(dataset, target, rows, known)),
    )


def _shift(target: str, labels: Sequence[str], first: int, days: Rows) -> Measure:
    """Return the share of labels that would have to change, beside what chance alone moves.

    `reference` is the 95% quantile of the same distance between days drawn at random.
    """
    classes, numbers = np.unique(np.array(labels), return_inverse=True)
    _, day = np.unique(days, return_inverse=True)
    counts = np.zeros((day.max() + 1, len(classes)))
    np.add.at(counts, (day, numbers), 1)
    is_late = np.zeros(len(counts), dtype=np.bool_)
    is_late[day[first:]] = True
    found = label_distance(counts, is_late)
    generator = np.random.default_rng(0)
    chance = [label_distance(counts, generator.permutation(is_late)) for _ in range(_REPLICATES)]
    usual = float(np.quantile(chance, 0.95))
    return Measure("label shares moved", found, None, None, usual, target, n=len(labels) - first)


def _retired(
    dataset: MonitoringDataset, target: str, rows: Rows, labels: Sequence[str]
) -> list[Proposal]:
    """Propose to retire each class that should have been seen again, and was not.

    Of the B tens of incidents so far, K held it and none of the last M: if nothing changed, that
    has the hypergeometric chance C(B-M, K) / C(B, K), of which all classes share 1 in 1,000.
    """
    last: dict[str, int] = {}
    held: Counter[str] = Counter()
    for place, label in enumerate(labels):
        if label not in last or last[label] // BLOCK != place // BLOCK:
            held[label] += 1
        last[label] = place
    blocks = len(labels) // BLOCK + 1
    found = []
    for label, place in last.items():
        silent = blocks - place // BLOCK - 1
        chance = hypergeom.pmf(0, blocks, silent, held[label])
        if chance <= _RARELY / len(last):
            found.append(
                _retirement(
                    dataset, target, label, rows, labels, held[label] * silent / (blocks - silent)
                )
            )
    return found


def _retirement(
    dataset: MonitoringDataset,
    target: str,
    label: str,
    rows: Rows,
    labels: Sequence[str],
    expected: float,
) -> Proposal:
    had = [int(row) for row, known in zip(rows, labels, strict=True) if known == label]
    since = opened_at(dataset.incidents[had[-1]])
    return Proposal(
        kind="retired",
        target=target,
        name=label,
        statement=(
            f"{label!r} was last seen on {since:%Y-%m-%d}; about {max(expected, 1):.0f} more "
            "should have come since: if it is retired or renamed, say so in the history"
        ),
        count=len(had),
        since=since,
        examples=tuple(dataset.ids[row] for row in had[-_EXAMPLES:]),
    )

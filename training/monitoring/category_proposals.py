"""Kinds of incidents that the model could not place, offered as new categories."""

from collections.abc import Collection

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from features.domain.monitoring import Proposal
from models.classification.cross_validation import Rows
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.distinctive_terms import distinctive_terms
from training.monitoring.findings import Findings

_FEWEST = 5
_FARTHEST = 0.45
_MOST_CLUSTERED = 3_000
_EXAMPLES = 5
_MOST_PROPOSED = 5


def propose_categories(
    dataset: MonitoringDataset, target: str, unplaced: Collection[str]
) -> Findings:
    """Cluster the incidents whose answers abstained or were corrected, by average cosine.

    Of each cluster of five or more the words that tell it from the rest name it. HDBSCAN would
    find none where there is one kind amid the unlike.
    """
    rows = np.array(
        [
            row
            for row, id_ in enumerate(dataset.ids)
            if id_ in unplaced and dataset.vectors[row].any()
        ],
        dtype=np.int64,
    )[-_MOST_CLUSTERED:]
    if len(rows) < 2 * _FEWEST:
        return Findings()
    clustering = AgglomerativeClustering(
        n_clusters=None, distance_threshold=_FARTHEST, metric="cosine", linkage="average"
    )
    numbers = clustering.fit_predict(dataset.vectors[rows])
    clusters = [rows[numbers == number] for number in range(int(numbers.max()) + 1)]
    clusters = [each for each in clusters if len(each) >= _FEWEST]
    clusters.sort(key=len, reverse=True)
    return Findings(
        proposals=tuple(_proposal(dataset, target, each) for each in clusters[:_MOST_PROPOSED])
    )


def _proposal(dataset: MonitoringDataset, target: str, rows: Rows) -> Proposal:
    own = set(rows.tolist())
    others = [one.report for row, one in enumerate(dataset.incidents) if row not in own]
    terms = distinctive_terms([dataset.incidents[row].report for row in rows], others)
    centre = dataset.vectors[rows].mean(axis=0)
    typical = rows[np.argsort(-(dataset.vectors[rows] @ centre), kind="stable")]
    since = opened_at(dataset.incidents[rows[0]])
    labels = dataset.labels(target)
    known = sorted({str(labels[row]) for row in rows if labels[row] is not None})
    said = f"; people called them {', '.join(known[:3])}" if known else ""
    return Proposal(
        kind="new category",
        target=target,
        name=" ".join(terms) or "without a common word",
        statement=f"{len(rows)} alike incidents that {target} could not place{said}",
        count=len(rows),
        since=since,
        examples=tuple(dataset.ids[row] for row in typical[:_EXAMPLES]),
    )

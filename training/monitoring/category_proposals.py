"""Proposes new categories: clusters of incidents that the model could not classify."""

from collections.abc import Collection

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from features.domain.monitoring import Proposal
from models.classification.scorers.scorer import Rows
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.distinctive_terms import distinctive_terms
from training.monitoring.findings import Findings

_MIN_CLUSTER = 5
_MAX_DISTANCE = 0.45
_MAX_CLUSTERED = 3_000
_MAX_EXAMPLES = 5
_MAX_PROPOSALS = 5


def propose_categories(
    dataset: MonitoringDataset, target: str, unplaced: Collection[str]
) -> Findings:
    """Cluster the incidents whose answers abstained or were corrected; propose large clusters.

    `unplaced` are the ids of these incidents. Clustering is agglomerative by average cosine
    distance. HDBSCAN is not used, since it finds no cluster if only one kind of incident recurs
    among unrelated ones. The five largest clusters of at least five incidents are proposed, named
    after their distinctive words.
    """
    rows = np.array(
        [
            row
            for row, id_ in enumerate(dataset.ids)
            if id_ in unplaced and dataset.vectors[row].any()
        ],
        dtype=np.int64,
    )[-_MAX_CLUSTERED:]
    if len(rows) < 2 * _MIN_CLUSTER:
        return Findings()
    clustering = AgglomerativeClustering(
        n_clusters=None, distance_threshold=_MAX_DISTANCE, metric="cosine", linkage="average"
    )
    numbers = clustering.fit_predict(dataset.vectors[rows])
    clusters = [rows[numbers == number] for number in range(int(numbers.max()) + 1)]
    clusters = [cluster for cluster in clusters if len(cluster) >= _MIN_CLUSTER]
    clusters.sort(key=len, reverse=True)
    return Findings(
        proposals=tuple(
            _proposal(dataset, target, cluster) for cluster in clusters[:_MAX_PROPOSALS]
        )
    )


def _proposal(dataset: MonitoringDataset, target: str, rows: Rows) -> Proposal:
    row_set = set(rows.tolist())
    others = [
        incident.report for row, incident in enumerate(dataset.incidents) if row not in row_set
    ]
    terms = distinctive_terms([dataset.incidents[row].report for row in rows], others)
    centre = dataset.vectors[rows].mean(axis=0)
    typical_rows = rows[np.argsort(-(dataset.vectors[rows] @ centre), kind="stable")]
    since = opened_at(dataset.incidents[rows[0]])
    labels = dataset.labels(target)
    given_labels = sorted({str(labels[row]) for row in rows if labels[row] is not None})
    names = f"; people labelled them {', '.join(given_labels[:3])}" if given_labels else ""
    return Proposal(
        kind="new category",
        target=target,
        name=" ".join(terms) or "no common word",
        statement=f"{len(rows)} similar incidents that {target} could not classify{names}",
        count=len(rows),
        since=since,
        examples=tuple(dataset.ids[row] for row in typical_rows[:_MAX_EXAMPLES]),
    )

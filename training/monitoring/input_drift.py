"""Measures drift of the inputs: a domain classifier, new words, new services and sources."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from features.domain.monitoring import Measure
from features.text.cleaning import incident_text
from features.text.tokens import terms_of
from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from training.evaluation.bootstrap import percentile_interval
from training.monitoring.concept_drift import FACTS
from training.monitoring.dataset import MonitoringDataset
from training.monitoring.findings import Findings

_MAX_COMPARED = 1_500
_MIN_COMPARED = 50
_FOLDS = 5
_REPLICATES = 200
_RARE_WORD_COUNT = 3


def measure_inputs(dataset: MonitoringDataset, since: int) -> Findings:
    """Measure how the incidents from row `since` on differ from earlier incidents.

    Of the incidents from `since` on, the latest 1,500 are measured. The classifier compares them
    with the latest 1,500 earlier incidents, the other measures with all earlier incidents. Returns
    no measures if either side has fewer than 50 incidents.
    """
    late_rows = np.arange(since, len(dataset.incidents))[-_MAX_COMPARED:]
    early_rows = np.arange(since)[-_MAX_COMPARED:]
    if min(len(early_rows), len(late_rows)) < _MIN_COMPARED:
        return Findings()
    return Findings(
        measures=(
            *_measure_domain_classifier(dataset, early_rows, late_rows),
            _measure_new_words(dataset, since, late_rows),
            *(_measure_new_values(dataset, fact, since, late_rows) for fact in FACTS),
        )
    )


def _measure_domain_classifier(
    dataset: MonitoringDataset, early_rows: Rows, late_rows: Rows
) -> list[Measure]:
    """Return the area under the ROC curve of a classifier that separates late from early texts.

    An area of .5 means no drift (classifier two-sample test: Lopez-Paz and Oquab 2017, arXiv
    1610.06545). Incidents of a week stay together in folds and in the bootstrap for the interval.
    """
    rows = np.concatenate([early_rows, late_rows])
    is_late = np.repeat([0, 1], [len(early_rows), len(late_rows)])
    weeks = np.unique(dataset.days[rows] // 7 * 2 + is_late, return_inverse=True)[1]
    folds = min(_FOLDS, len(np.unique(weeks[is_late == 1])), len(np.unique(weeks[is_late == 0])))
    if folds < 2:
        return []
    scores = cross_val_predict(
        LogisticRegression(C=1.0, max_iter=200),
        dataset.vectors[rows],
        is_late,
        groups=weeks,
        cv=GroupKFold(folds, shuffle=True, random_state=0),
        method="decision_function",
    )
    area = _bootstrap_auc(is_late, scores, weeks)
    return [Measure("texts told from earlier ones (AUC)", *area.triple, 0.5, n=len(rows))]


def _bootstrap_auc(
    is_late: NDArray[np.int64], scores: NDArray[np.float64], weeks: Rows
) -> Estimate:
    generator = np.random.default_rng(0)
    rows_by_week = [np.flatnonzero(weeks == week) for week in range(int(weeks.max()) + 1)]
    early_weeks = [rows for rows in rows_by_week if not is_late[rows[0]]]
    late_weeks = [rows for rows in rows_by_week if is_late[rows[0]]]
    areas = []
    for _ in range(_REPLICATES):
        sample = np.concatenate(
            [
                side[week]
                for side in (early_weeks, late_weeks)
                for week in generator.integers(len(side), size=len(side))
            ]
        )
        areas.append(roc_auc_score(is_late[sample], scores[sample]))
    return percentile_interval(float(roc_auc_score(is_late, scores)), areas)


def _measure_new_words(dataset: MonitoringDataset, since: int, late_rows: Rows) -> Measure:
    """Return the share of late incidents' words that occur in fewer than three earlier incidents.

    A word counts once for each late incident in which it occurs.
    """
    early_counts: Counter[str] = Counter()
    for incident in dataset.incidents[:since]:
        early_counts.update(set(terms_of(incident_text(incident.report))))
    words = [
        word
        for row in late_rows
        for word in set(terms_of(incident_text(dataset.incidents[row].report)))
    ]
    new_count = sum(early_counts[word] < _RARE_WORD_COUNT for word in words)
    return Measure("words new", new_count / max(len(words), 1), None, None, None, n=len(words))


def _measure_new_values(
    dataset: MonitoringDataset, fact: str, since: int, late_rows: Rows
) -> Measure:
    values = [getattr(incident.report, fact) for incident in dataset.incidents]
    early_values = set(values[:since])
    late_values: Sequence[str] = [values[row] for row in late_rows if values[row]]
    share = sum(value not in early_values for value in late_values) / max(len(late_values), 1)
    return Measure(f"{fact} never seen before", share, None, None, 0.0, n=len(late_values))

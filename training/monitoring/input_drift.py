"""Drift of the inputs: a domain classifier, new words, unseen facts."""

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
from models.classification.cross_validation import Rows
from training.evaluation.bootstrap import percentile_interval
from training.monitoring.concept_drift import FACTS
from training.monitoring.dataset import MonitoringDataset
from training.monitoring.findings import Findings

_MOST_COMPARED = 1_500
_FEWEST = 50
_FOLDS = 5
_REPLICATES = 200
_RARE_WORDS = 3


def measure_inputs(dataset: MonitoringDataset, since: int) -> Findings:
    """Measure how far the incidents since a row can be told from the latest ones before it."""
    late = np.arange(since, len(dataset.incidents))[-_MOST_COMPARED:]
    early = np.arange(since)[-_MOST_COMPARED:]
    if min(len(early), len(late)) < _FEWEST:
        return Findings()
    return Findings(
        measures=(
            *_domain_classifier(dataset, early, late),
            _new_words(dataset, since, late),
            *(_unseen(dataset, fact, since, late) for fact in FACTS),
        )
    )


def _domain_classifier(dataset: MonitoringDataset, early: Rows, late: Rows) -> list[Measure]:
    """Return the area under the ROC curve of a classifier that tells late from early by text.

    Weeks stay together in its folds and in the bootstrap of the interval; .5 is no drift
    (a classifier two-sample test: Lopez-Paz and Oquab 2017, arXiv 1610.06545).
    """
    rows = np.concatenate([early, late])
    is_late = np.repeat([0, 1], [len(early), len(late)])
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
    members = [np.flatnonzero(weeks == week) for week in range(int(weeks.max()) + 1)]
    early = [rows for rows in members if not is_late[rows[0]]]
    late = [rows for rows in members if is_late[rows[0]]]
    areas = []
    for _ in range(_REPLICATES):
        drawn = np.concatenate(
            [
                side[place]
                for side in (early, late)
                for place in generator.integers(len(side), size=len(side))
            ]
        )
        areas.append(roc_auc_score(is_late[drawn], scores[drawn]))
    return percentile_interval(float(roc_auc_score(is_late, scores)), areas)


def _new_words(dataset: MonitoringDataset, since: int, late: Rows) -> Measure:
    """Return the share of late words that occur in fewer than three incidents before."""
    seen: Counter[str] = Counter()
    for incident in dataset.incidents[:since]:
        seen.update(set(terms_of(incident_text(incident.report))))
    words = [
        word for row in late for word in set(terms_of(incident_text(dataset.incidents[row].report)))
    ]
    new = sum(seen[word] < _RARE_WORDS for word in words)
    return Measure("words new", new / max(len(words), 1), None, None, None, n=len(words))


def _unseen(dataset: MonitoringDataset, fact: str, since: int, late: Rows) -> Measure:
    values = [getattr(incident.report, fact) for incident in dataset.incidents]
    seen = set(values[:since])
    given: Sequence[str] = [values[row] for row in late if values[row]]
    share = sum(value not in seen for value in given) / max(len(given), 1)
    return Measure(f"{fact} never seen before", share, None, None, 0.0, n=len(given))

"""From a history and its links to a judged model that finds similar incidents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from features.domain.history import History
from features.encoding.encoder import Encoder
from features.search.incident_index import IncidentIndex
from models.base.model_card import Card, Metric, RowCounts, package_versions
from models.similarity.pair_features import FEATURES
from models.similarity.pair_ranker import PairRanker, RelatednessCalibration
from models.similarity.similar_model import SimilarModel
from models.similarity.training_pairs import LabelledQuery, PairJudgement, labelled_queries
from training.evaluation.bootstrap import Floats
from training.evaluation.search_metrics import (
    Flags,
    JudgedSearches,
    measure_recall,
    measure_shown,
    shown_precision,
    shown_share_of_answerable,
)

TARGET = "similar"
KIND = "similar"
BASELINE = "cosine of vectors"
MIN_JUDGED = 20

_FOLDS = 5
_NOT_FOUND = 1_000_000_000

Progress = Callable[[int, int], None]
_CHUNK = 2_048


@dataclass(frozen=True, slots=True)
class TrainedSimilar:
    """A model fitted on all links, and how its like did on held-out ones.

    `judged` is None where too few incidents have a known relative in their past; `linked` counts
    those that have one.
    """

    model: SimilarModel
    linked: int
    judged: JudgedSearches | None
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...]


def train_similar(
    history: History,
    *,
    encoder: Encoder,
    judgements: Sequence[PairJudgement] = (),
    seed: int = 0,
    progress: Progress = lambda _done, _of: None,
) -> TrainedSimilar:
    """Fit on every link of the history, and judge each by a model that did not see its group.

    Each search sees only what was opened before. `progress` is told how many incidents have been
    indexed, and of how many.
    """
    index = IncidentIndex(encoder)
    for start in range(0, len(history.incidents), _CHUNK):
        index.upsert(history.incidents[start : start + _CHUNK])
        progress(min(start + _CHUNK, len(history.incidents)), len(history.incidents))
    queries = labelled_queries(history.incidents, index, judgements, seed=seed)
    model = SimilarModel(encoder=encoder.reference, seed=seed).learn(queries)
    linked = sum(bool(query.has_relative) for query in queries)
    judged = _judge(queries) if linked >= MIN_JUDGED else None
    metrics = () if judged is None else _measured(judged)
    return TrainedSimilar(model, linked, judged, metrics, _notes(linked, judged))


def similar_card(history: History, trained: TrainedSimilar) -> Card:
    """Put together what is known of the model at the time of its registration."""
    opened = [one.report.opened_at for one in history.incidents if one.report.opened_at]
    model = trained.model
    learned = zip(FEATURES, model.ranker_.weights_.tolist(), strict=True)
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=RowCounts(
            read=len(history.incidents) + len(history.rejected),
            used=len(history.incidents),
            rejected=len(history.rejected),
            labelled=trained.linked,
        ),
        cutoff=max(opened, default=None),
        split=f"{_FOLDS} folds of linked groups, each search sees only its past"
        if trained.judged is not None
        else "",
        provenance={column: str(known) for column, known in history.provenance.items()},
        metrics=trained.metrics,
        parameters={f"weight of {name}": round(weight, 3) for name, weight in learned}
        | {
            "slope": round(model.calibration_.slope_, 3),
            "intercept": round(model.calibration_.intercept_, 3),
            "cutoff": round(model.calibration_.cutoff_, 3),
        },
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=trained.notes,
    )


def _notes(linked: int, judged: JudgedSearches | None) -> tuple[str, ...]:
    if judged is not None:
        return (f"judged on {len(judged)} held-out incidents, {linked} of them with a relative",)
    if linked:
        return (
            f"{linked} incidents have a known relative in their past, {MIN_JUDGED} are needed to "
            "judge: the constants are nearly as shipped",
        )
    return ("no incident has a known relative: the constants are as shipped",)


def _judge(queries: Sequence[LabelledQuery]) -> JudgedSearches:
    """Search for each query with what was learned from the other folds' groups."""
    groups = np.array([query.group for query in queries])
    _, numbers = np.unique(groups, return_inverse=True)
    fold_of = np.random.default_rng(0).permutation(int(numbers.max()) + 1)[numbers] % _FOLDS
    judged = []
    for fold in range(_FOLDS):
        ranker = PairRanker().fit([q for q, of in zip(queries, fold_of, strict=True) if of != fold])
        known = [q for q, of in zip(queries, fold_of, strict=True) if of != fold]
        calibration = RelatednessCalibration().fit(ranker, known)
        judged += [
            _search(query, ranker, calibration)
            for query, of in zip(queries, fold_of, strict=True)
            if of == fold
        ]
    columns = [np.array(column) for column in zip(*judged, strict=True)]
    return JudgedSearches(*columns)


def _search(
    query: LabelledQuery, ranker: PairRanker, calibration: RelatednessCalibration
) -> tuple[int, int, bool, bool, bool, float, float, int]:
    scores = ranker.score(query.features)
    relatedness = calibration.predict(scores, query.alike) if len(scores) else np.zeros(1)
    first = int(scores.argmax()) if len(scores) else 0
    return (
        _rank(scores, query.is_relative),
        _rank(query.features[:, FEATURES.index("text_cosine")], query.is_relative),
        bool(query.has_relative),
        bool(relatedness[first] >= calibration.cutoff_),
        bool(len(scores) and query.is_relative[first]),
        float(relatedness[first]),
        query.weight,
        query.group,
    )


def _rank(scores: Floats, is_relative: Flags) -> int:
    """Return how many strangers are before the first relative; of equal ones all are."""
    if not is_relative.any():
        return _NOT_FOUND
    return int((scores[~is_relative] >= scores[is_relative].max()).sum())


def _measured(judged: JudgedSearches) -> tuple[Metric, ...]:
    return (
        measure_recall(1, judged, BASELINE),
        measure_recall(10, judged, BASELINE),
        measure_shown("shown_precision", shown_precision, judged),
        measure_shown("shown_share", shown_share_of_answerable, judged),
    )

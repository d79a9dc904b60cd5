"""Trains and evaluates the model of similar incidents, from a history and its links."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from features.domain.history import History
from features.encoding.encoder import Encoder
from features.search.incident_index import IncidentIndex
from models.base.model_card import Card, Metric, package_versions
from models.similarity.pair_features import FEATURES
from models.similarity.pair_ranker import PairRanker, RelatednessCalibration
from models.similarity.similar_model import SimilarModel
from models.similarity.training_pairs import LabelledQuery, PairJudgement
from training.dataset.history_facts import count_rows, name_provenance
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
    """A model fitted on all links, and the held-out results of models fitted on folds.

    `linked` counts the incidents for which an earlier related incident is known. If these are fewer
    than 20, `judged` is None.
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
    """Fit on every link of the history; evaluate each group by models fitted on other groups.

    Each search finds only incidents that opened before its query. `judgements` are pairs of
    incidents that people have judged. `progress` is called with the number of incidents indexed so
    far and the number of all incidents.
    """
    index = IncidentIndex(encoder)
    for start in range(0, len(history.incidents), _CHUNK):
        index.upsert(history.incidents[start : start + _CHUNK])
        progress(min(start + _CHUNK, len(history.incidents)), len(history.incidents))
    model = SimilarModel(encoder=encoder.reference, seed=seed)
    queries = model.label(history.incidents, index, judgements)
    model.learn(queries)
    linked_count = sum(bool(query.has_relative) for query in queries)
    searches = _judge(queries) if linked_count >= MIN_JUDGED else None
    metrics = () if searches is None else _measure(searches)
    return TrainedSimilar(model, linked_count, searches, metrics, _notes(linked_count, searches))


def similar_card(history: History, trained: TrainedSimilar) -> Card:
    """Return the card of the model that is to be registered."""
    reports = [incident.report for incident in history.incidents]
    opening_times = [report.opened_at for report in reports if report.opened_at]
    model = trained.model
    weights = zip(FEATURES, model.ranker_.weights_.tolist(), strict=True)
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=count_rows(history, labelled=trained.linked),
        cutoff=max(opening_times, default=None),
        split=f"{_FOLDS} folds of linked groups, each search sees only earlier incidents"
        if trained.judged is not None
        else "",
        provenance=name_provenance(history),
        metrics=trained.metrics,
        parameters={f"weight of {name}": round(weight, 3) for name, weight in weights}
        | {
            "slope": round(model.calibration_.slope_, 3),
            "intercept": round(model.calibration_.intercept_, 3),
            "cutoff": round(model.calibration_.cutoff_, 3),
        },
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=trained.notes,
    )


def _notes(linked_count: int, searches: JudgedSearches | None) -> tuple[str, ...]:
    if searches is not None:
        return (
            f"judged on {len(searches)} held-out incidents; for {linked_count} of them an earlier "
            "related incident is known",
        )
    if linked_count:
        return (
            f"not judged: an earlier related incident is known for {linked_count} incidents, and "
            f"{MIN_JUDGED} are needed; the model's constants stay close to the defaults",
        )
    return ("no related incidents are known: the model's constants are the defaults",)


def _judge(queries: Sequence[LabelledQuery]) -> JudgedSearches:
    """Search for each query with a model that is fitted on the queries of the other folds."""
    groups = np.array([query.group for query in queries])
    _, numbers = np.unique(groups, return_inverse=True)
    folds = np.random.default_rng(0).permutation(int(numbers.max()) + 1)[numbers] % _FOLDS
    searches = []
    for fold in range(_FOLDS):
        fit_queries = [
            query for query, number in zip(queries, folds, strict=True) if number != fold
        ]
        judged_queries = [
            query for query, number in zip(queries, folds, strict=True) if number == fold
        ]
        ranker = PairRanker().fit(fit_queries)
        calibration = RelatednessCalibration().fit(ranker, fit_queries)
        searches += [_search(query, ranker, calibration) for query in judged_queries]
    columns = [np.array(column) for column in zip(*searches, strict=True)]
    return JudgedSearches(*columns)


def _search(
    query: LabelledQuery, ranker: PairRanker, calibration: RelatednessCalibration
) -> tuple[int, int, bool, bool, bool, float, float, int]:
    odds = ranker.odds(query.features, query.strangers)
    text_cosines = query.features[:, FEATURES.index("text_cosine")]
    relatedness = calibration.predict(odds, text_cosines) if len(odds) else np.zeros(1)
    first = int(relatedness.argmax())
    return (
        _rank(odds, query.is_relative),
        _rank(text_cosines, query.is_relative),
        bool(query.has_relative),
        bool(relatedness[first] >= calibration.cutoff_),
        bool(len(odds) and query.is_relative[first]),
        float(relatedness[first]),
        query.weight,
        query.group,
    )


def _rank(scores: Floats, is_relative: Flags) -> int:
    """Return how many unrelated candidates score at least as high as the best related candidate."""
    if not is_relative.any():
        return _NOT_FOUND
    return int((scores[~is_relative] >= scores[is_relative].max()).sum())


def _measure(searches: JudgedSearches) -> tuple[Metric, ...]:
    return (
        measure_recall(1, searches, BASELINE),
        measure_recall(10, searches, BASELINE),
        measure_shown("shown_precision", shown_precision, searches),
        measure_shown("shown_share", shown_share_of_answerable, searches),
    )

"""From a history and a folder of runbooks to a judged model that suggests them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from features.domain.feedback import FeedbackRecord
from features.domain.history import History
from features.domain.report import ResolvedIncident
from features.domain.runbook import Runbook
from features.encoding.encoder_weights import open_encoder
from features.errors import NotEnoughHistory
from models.base.model_card import Card, Metric, RowCounts, package_versions
from models.runbooks.match_features import FEATURES, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from models.runbooks.usage import past_uses
from training.dataset.split import Split
from training.evaluation.bootstrap import Floats
from training.evaluation.search_metrics import (
    JudgedSearches,
    measure_recall,
    measure_shown,
    shown_precision,
    shown_share,
)

TARGET = "runbooks"
KIND = "runbook"
BASELINE = "BM25"
MIN_JUDGED = 20

_NOT_IN_INDEX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TrainedRunbooks:
    """A model fitted on all outcomes, and how its like did on held-out ones.

    `judged` is None where too few outcomes name a runbook of the index; the constants are then
    nearly as shipped. `labelled` counts the incidents that name one.
    """

    model: RunbookModel
    labelled: int
    judged: JudgedSearches | None
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...]


def train_runbooks(
    history: History,
    runbooks: Sequence[Runbook],
    split: Split,
    *,
    encoder: str,
    feedback: Sequence[FeedbackRecord] = (),
) -> TrainedRunbooks:
    """Fit on every outcome that names a runbook, and judge as the split divides the history.

    `feedback` is what people said of suggested runbooks, oldest first. Raises `NotEnoughHistory`
    without a runbook.
    """
    if not runbooks:
        raise NotEnoughHistory("runbooks: the folder holds none that can be read")
    index = RunbookIndex(runbooks, open_encoder(encoder), past_uses(history.incidents, feedback))
    on_shelf = {runbook.id for runbook in runbooks}
    labelled = sum(one.outcome.runbook_id in on_shelf for one in history.incidents)
    judged = None
    if labelled >= MIN_JUDGED:
        judged = _judge(history.incidents, index, split, encoder)
    model = RunbookModel(encoder=encoder).fit(history.incidents, index)
    # The index is the store's; a saved model must answer as the one that was trained.
    del model.index_
    metrics = () if judged is None else _measured(judged)
    return TrainedRunbooks(model, labelled, judged, metrics, _notes(labelled, judged))


def runbooks_card(history: History, split: Split, trained: TrainedRunbooks) -> Card:
    """Put together what is known of the model at the time of its registration."""
    opened = [one.report.opened_at for one in history.incidents if one.report.opened_at]
    model = trained.model
    learned = zip(FEATURES, model.weights_.tolist(), strict=True)
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=RowCounts(
            read=len(history.incidents) + len(history.rejected),
            used=len(history.incidents),
            rejected=len(history.rejected),
            labelled=trained.labelled,
        ),
        cutoff=max(opened, default=None),
        split=split.description if trained.judged is not None else "",
        provenance={column: str(known) for column, known in history.provenance.items()},
        metrics=trained.metrics,
        parameters={f"weight of {name}": round(weight, 3) for name, weight in learned}
        | {"cutoff": model.cutoff_},
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=trained.notes,
    )


def _notes(labelled: int, judged: JudgedSearches | None) -> tuple[str, ...]:
    if judged is not None:
        return (f"judged on {len(judged)} held-out incidents, then refitted on all {labelled}",)
    if labelled:
        return (
            f"{labelled} incidents name a runbook that is there, {MIN_JUDGED} are needed to judge: "
            "the constants are nearly as shipped",
        )
    return ("no incident names a runbook that is there: the constants are as shipped",)


def _judge(
    incidents: Sequence[ResolvedIncident], index: RunbookIndex, split: Split, encoder: str
) -> JudgedSearches | None:
    """Answer each fold's held-out incidents from what was learned without them."""
    rows: list[int] = []
    answers: list[tuple[int, int, float, bool]] = []
    for fold in split.folds:
        known = [incidents[int(row)] for row in fold.fit]
        index_then = index.with_uses(past_uses(known))
        model = RunbookModel(encoder=encoder).fit(known, index_then)
        judged = [int(row) for row in fold.judge if incidents[int(row)].outcome.runbook_id]
        rows += judged
        answers += _answers([incidents[row] for row in judged], index_then, model)
    if not answers:
        return None
    ranks, baseline, relevance, is_shown = (
        np.array(column) for column in zip(*answers, strict=True)
    )
    return JudgedSearches(
        ranks=ranks,
        baseline_ranks=baseline,
        has_relevant=ranks < _NOT_IN_INDEX,
        is_shown=is_shown,
        is_right=ranks == 0,
        confidence=relevance,
        weights=np.ones(len(ranks)),
        blocks=split.blocks[np.array(rows, dtype=np.int64)],
    )


def _answers(
    incidents: Sequence[ResolvedIncident], index: RunbookIndex, model: RunbookModel
) -> list[tuple[int, int, float, bool]]:
    """Return the right runbook's rank, the baseline's, the best relevance and whether it shows."""
    row_of = {runbook.id: row for row, runbook in enumerate(index.runbooks)}
    matches = match_reports([incident.report for incident in incidents], index)
    answers = []
    for incident, match in zip(incidents, matches, strict=True):
        relevance = model.relevance(match)
        right = row_of.get(incident.outcome.runbook_id or "")
        answers.append(
            (
                _rank(relevance, right),
                _rank(match.features[:, FEATURES.index("words")], right),
                float(relevance.max()),
                bool(relevance.max() >= model.cutoff_),
            )
        )
    return answers


def _rank(scores: Floats, right: int | None) -> int:
    """Return how many are before the right one; of equal ones half are, as a draw would have it."""
    if right is None:
        return _NOT_IN_INDEX
    ties = int((scores == scores[right]).sum()) - 1
    return int((scores > scores[right]).sum()) + (ties + 1) // 2


def _measured(judged: JudgedSearches) -> tuple[Metric, ...]:
    return (
        measure_recall(1, judged, BASELINE),
        measure_recall(5, judged, BASELINE),
        measure_shown("shown_precision", shown_precision, judged),
        measure_shown("shown_share", shown_share, judged),
    )

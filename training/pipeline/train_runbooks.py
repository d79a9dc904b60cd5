"""Trains and evaluates the model that suggests runbooks, from a history and a list of runbooks."""

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
from models.base.model_card import Card, Metric, package_versions
from models.runbooks.link_matching import linked_runbook
from models.runbooks.match_features import FEATURES, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from models.runbooks.usage import past_uses
from training.dataset.history_facts import count_rows, name_provenance
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
    """A model fitted on all outcomes, and the held-out results of models fitted on folds.

    `labelled` counts the incidents that name one of the runbooks. If these are fewer than 20,
    `judged` is None, and the model's constants stay close to the defaults.
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
    """Fit on every outcome that names a runbook, and evaluate on the folds of the split.

    `feedback` is people's feedback on suggested runbooks, oldest first. Raises
    `NotEnoughHistory` without a runbook.
    """
    if not runbooks:
        raise NotEnoughHistory("runbooks: the folder holds none that can be read")
    index = RunbookIndex(runbooks, open_encoder(encoder), past_uses(history.incidents, feedback))
    runbook_ids = {runbook.id for runbook in runbooks}
    labelled_count = sum(
        incident.outcome.runbook_id in runbook_ids for incident in history.incidents
    )
    searches = None
    if labelled_count >= MIN_JUDGED:
        searches = _judge(history.incidents, index, split, encoder)
    model = RunbookModel(encoder=encoder).fit(history.incidents, index)
    # Servers build the index from the store, so the model is saved without its index.
    del model.index_
    metrics = () if searches is None else _measure(searches)
    return TrainedRunbooks(
        model, labelled_count, searches, metrics, _notes(labelled_count, searches)
    )


def runbooks_card(history: History, split: Split, trained: TrainedRunbooks) -> Card:
    """Return the card of the model that is to be registered."""
    reports = [incident.report for incident in history.incidents]
    opening_times = [report.opened_at for report in reports if report.opened_at]
    model = trained.model
    weights = zip(FEATURES, model.weights_.tolist(), strict=True)
    return Card(
        target=TARGET,
        kind=KIND,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=count_rows(history, labelled=trained.labelled),
        cutoff=max(opening_times, default=None),
        split=split.description if trained.judged is not None else "",
        provenance=name_provenance(history),
        metrics=trained.metrics,
        parameters={f"weight of {name}": round(weight, 3) for name, weight in weights}
        | {"cutoff": model.cutoff_},
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=trained.notes,
    )


def _notes(labelled_count: int, searches: JudgedSearches | None) -> tuple[str, ...]:
    if searches is not None:
        return (
            f"judged on {len(searches)} held-out incidents, then refitted on all {labelled_count}",
        )
    if labelled_count:
        return (
            f"not judged: {labelled_count} incidents name one of the runbooks, and {MIN_JUDGED} "
            "are needed; the model's constants stay close to the defaults",
        )
    return ("no incident names one of the runbooks: the model's constants are the defaults",)


def _judge(
    incidents: Sequence[ResolvedIncident], index: RunbookIndex, split: Split, encoder: str
) -> JudgedSearches | None:
    """Answer each fold's held-out incidents with a model and an index that do not include them."""
    rows: list[int] = []
    answers: list[tuple[int, int, float, bool]] = []
    for fold in split.folds:
        fit_incidents = [incidents[int(row)] for row in fold.fit]
        fold_index = index.with_uses(past_uses(fit_incidents))
        model = RunbookModel(encoder=encoder).fit(fit_incidents, fold_index)
        judged_rows = [int(row) for row in fold.judge if incidents[int(row)].outcome.runbook_id]
        rows += judged_rows
        answers += _answer([incidents[row] for row in judged_rows], fold_index, model)
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


def _answer(
    incidents: Sequence[ResolvedIncident], index: RunbookIndex, model: RunbookModel
) -> list[tuple[int, int, float, bool]]:
    """Return four values for each incident, which describe the result of its search.

    They are the correct runbook's rank by the model, its rank by the baseline, the highest
    relevance of a runbook, and whether this relevance reaches the cutoff.
    """
    row_of_runbook = {runbook.id: row for row, runbook in enumerate(index.runbooks)}
    matches = match_reports([incident.report for incident in incidents], index)
    answers = []
    for incident, match in zip(incidents, matches, strict=True):
        link = linked_runbook(incident.report, index)
        relevance = model.relevance(match, None if link is None else link.row)
        right_row = row_of_runbook.get(incident.outcome.runbook_id or "")
        answers.append(
            (
                _rank(relevance, right_row),
                _rank(match.features[:, FEATURES.index("words")], right_row),
                float(relevance.max()),
                bool(relevance.max() >= model.cutoff_),
            )
        )
    return answers


def _rank(scores: Floats, right_row: int | None) -> int:
    """Return how many runbooks score higher than the correct runbook, plus half of the ties.

    Half of the ties is rounded up.
    """
    if right_row is None:
        return _NOT_IN_INDEX
    ties = int((scores == scores[right_row]).sum()) - 1
    return int((scores > scores[right_row]).sum()) + (ties + 1) // 2


def _measure(searches: JudgedSearches) -> tuple[Metric, ...]:
    return (
        measure_recall(1, searches, BASELINE),
        measure_recall(5, searches, BASELINE),
        measure_shown("shown_precision", shown_precision, searches),
        measure_shown("shown_share", shown_share, searches),
    )

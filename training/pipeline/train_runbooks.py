"""From a history and a folder of runbooks to a judged model that suggests them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from features.domain.feedback import FeedbackRecord
from features.domain.history import History
from features.domain.report import ResolvedIncident
from features.domain.runbook import Runbook
from features.encoding.encoder_weights import open_encoder
from features.errors import NotEnoughHistory
from models.base.model_card import Card, Metric, RowCounts, package_versions
from models.classification.cross_validation import Rows
from models.runbooks.match_features import FEATURES, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from models.runbooks.usage import past_uses
from training.dataset.split import Split
from training.evaluation.bootstrap import Floats
from training.evaluation.search_metrics import measure_recall, measure_shown

TARGET = "runbooks"
KIND = "runbook"
BASELINE = "BM25"
MIN_JUDGED = 20

_NOT_ON_SHELF = 1_000_000_000


@dataclass(frozen=True, slots=True)
class JudgedRunbooks:
    """Answers to held-out incidents of which it is known what runbook was used.

    `ranks` and `baseline_ranks` give the place of the right one, 0 for the first; `relevance` is
    that of the first and `is_shown` whether it reaches the cut-off. `blocks` numbers the day or
    group by which intervals are resampled.
    """

    ranks: Rows
    baseline_ranks: Rows
    relevance: Floats
    is_shown: NDArray[np.bool_]
    blocks: Rows

    def __len__(self) -> int:
        return len(self.ranks)


@dataclass(frozen=True, slots=True)
class TrainedRunbooks:
    """A model fitted on all outcomes, and how its like did on held-out ones.

    `judged` is None where too few outcomes name a runbook of the index; the constants are then
    nearly as shipped. `labelled` counts the incidents that name one.
    """

    model: RunbookModel
    labelled: int
    judged: JudgedRunbooks | None
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


def _notes(labelled: int, judged: JudgedRunbooks | None) -> tuple[str, ...]:
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
) -> JudgedRunbooks | None:
    """Answer each fold's held-out incidents from what was learned without them."""
    rows: list[int] = []
    found: list[tuple[int, int, float, bool]] = []
    for fold in split.folds:
        known = [incidents[int(row)] for row in fold.fit]
        then = index.used(past_uses(known))
        model = RunbookModel(encoder=encoder).fit(known, then)
        asked = [int(row) for row in fold.judge if incidents[int(row)].outcome.runbook_id]
        rows += asked
        found += _answers([incidents[row] for row in asked], then, model)
    if not found:
        return None
    ranks, baseline, relevance, is_shown = (np.array(column) for column in zip(*found, strict=True))
    blocks = split.blocks[np.array(rows, dtype=np.int64)]
    return JudgedRunbooks(ranks, baseline, relevance, is_shown, blocks)


def _answers(
    asked: Sequence[ResolvedIncident], index: RunbookIndex, model: RunbookModel
) -> list[tuple[int, int, float, bool]]:
    row_of = {runbook.id: row for row, runbook in enumerate(index.runbooks)}
    found = []
    for one, match in zip(asked, match_reports([one.report for one in asked], index), strict=True):
        relevance = model.relevance(match)
        right = row_of.get(one.outcome.runbook_id or "")
        found.append(
            (
                _rank(relevance, right),
                _rank(match.features[:, FEATURES.index("words")], right),
                float(relevance.max()),
                bool(relevance.max() >= model.cutoff_),
            )
        )
    return found


def _rank(scores: Floats, right: int | None) -> int:
    """Return how many are before the right one; of equal ones half are, as a draw would have it."""
    if right is None:
        return _NOT_ON_SHELF
    ties = int((scores == scores[right]).sum()) - 1
    return int((scores > scores[right]).sum()) + (ties + 1) // 2


def recall_at(place: int, judged: JudgedRunbooks, ranks: Rows, weight: Floats) -> float:
    """Return the share of answers, where the right one is on the index, that have it so early."""
    possible = judged.ranks < _NOT_ON_SHELF
    whole = float(weight[possible].sum())
    return float(weight[possible & (ranks < place)].sum()) / whole if whole else 0.0


def shown_precision(judged: JudgedRunbooks, weight: Floats) -> float:
    """Return the share of shown first runbooks that are right; 1 when none is shown."""
    shown = float(weight[judged.is_shown].sum())
    return float(weight[judged.is_shown & (judged.ranks == 0)].sum()) / shown if shown else 1.0


def shown_share(judged: JudgedRunbooks, weight: Floats) -> float:
    """Return the share of answers that show a runbook."""
    return float(weight[judged.is_shown].sum() / weight.sum())


def _measured(judged: JudgedRunbooks) -> tuple[Metric, ...]:
    return (
        measure_recall(1, recall_at, judged, BASELINE),
        measure_recall(5, recall_at, judged, BASELINE),
        measure_shown("shown_precision", shown_precision, judged),
        measure_shown("shown_share", shown_share, judged),
    )

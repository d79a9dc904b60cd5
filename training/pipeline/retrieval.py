"""Trains the models that search the store for similar incidents and runbooks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.history import History
from features.domain.runbook import Runbook
from features.encoding.cached_encoder import CachedEncoder
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache
from features.errors import NotEnoughHistory
from features.store.store import Store
from models.base.gate_verdict import Verdict
from models.base.model_card import Card, Metric
from models.base.report_model import ReportModel
from models.similarity.duplicate_groups import UNLINKED, link_groups
from models.similarity.training_pairs import PairJudgement
from training.dataset.split import Split
from training.dataset.targets import attributes_of
from training.pipeline import train_runbooks as runbook_training
from training.pipeline import train_similar as similar_training
from training.pipeline.publish import apply_force_promote, publish
from training.pipeline.report import TrainedTarget
from training.plan import Progress, TrainingPlan

RETRIEVED = (similar_training.TARGET, runbook_training.TARGET)
"""The targets whose answers are entries of the store instead of labels."""

_TOLERATED_LOSS = 0.005


@dataclass(frozen=True, slots=True)
class UserJudgements:
    """Feedback of people on pairs of incidents, and on runbooks for incidents."""

    pairs: tuple[PairJudgement, ...] = ()
    of_runbooks: tuple[FeedbackRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedRetriever:
    """A retrieval model with its card.

    `rows` counts the labelled incidents, for `similar` those with a known earlier related incident.
    `learned_from` are the ids of all incidents that the model learned from.
    """

    model: ReportModel
    card: Card
    rows: int
    learned_from: tuple[str, ...]


def learn_retrieval(
    target: str,
    history: History,
    runbooks: Sequence[Runbook],
    judgements: UserJudgements,
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
    *,
    needs_links: bool = False,
) -> TrainedRetriever:
    """Fit and evaluate the model of one of `RETRIEVED`.

    Without links between incidents, `similar` learns only how often incidents recur. Raises
    `NotEnoughHistory` if there is nothing to search, or with `needs_links` if there are neither
    links nor feedback on pairs of incidents.
    """
    if target == similar_training.TARGET:
        return _learn_similar(history, judgements, plan, progress, needs_links=needs_links)
    if not runbooks:
        raise NotEnoughHistory("runbooks: none is stored; run precedent train --runbooks DIR")
    trained = runbook_training.train_runbooks(
        history, runbooks, split, encoder=plan.encoder, feedback=judgements.of_runbooks
    )
    card = runbook_training.runbooks_card(history, split, trained)
    labelled_ids = [
        incident.report.id
        for incident in history.incidents
        if incident.outcome.runbook_id is not None
    ]
    learned_from = (*labelled_ids, *(record.incident_id for record in judgements.of_runbooks))
    return TrainedRetriever(trained.model, card, trained.labelled, learned_from)


def publish_retrieval(
    retriever: TrainedRetriever, history: History, plan: TrainingPlan, run_id: str
) -> TrainedTarget:
    """Register a model, and promote it unless its recall is worse than the baseline's."""
    verdict = apply_force_promote(judge_retrieval(retriever.card.metrics), plan)
    notes = (*retriever.card.notes, *verdict.reasons)
    version = publish(
        retriever.model,
        replace(retriever.card, notes=notes, verdict=verdict),
        verdict,
        plan,
        run_id,
        learned_from=retriever.learned_from,
        attributes=attributes_of(history),
    )
    return replace(describe(retriever), verdict=verdict, version=version.version)


def describe(retriever: TrainedRetriever) -> TrainedTarget:
    """Return the training result of a model, without verdict and version."""
    return TrainedTarget(
        target=retriever.card.target,
        kind=retriever.card.kind,
        rows=retriever.rows,
        metrics=retriever.card.metrics,
        notes=retriever.card.notes,
    )


def judge_retrieval(metrics: Sequence[Metric]) -> Verdict:
    """Compare the recall at 1 with the baseline's; a loss of half a point is tolerated.

    Without evaluated searches the model passes; its constants are then close to the defaults.
    """
    recall = next((metric for metric in metrics if metric.name == "recall_at_1"), None)
    if recall is None or recall.baseline is None:
        return Verdict(
            True, ("too few incidents with a known answer to compare with the baseline",)
        )
    figures = f"recall at 1 {recall.value:.3f}, {recall.baseline_name} {recall.baseline:.3f}"
    if recall.value < recall.baseline - _TOLERATED_LOSS:
        return Verdict(False, (f"worse than the baseline: {figures}",))
    return Verdict(True, (f"no worse than the baseline: {figures}",))


def read_judgements(store: Store) -> UserJudgements:
    """Return the feedback of people that retrieval models learn from."""
    pairs = [
        PairJudgement(record.incident_id, record.subject, record.action is FeedbackAction.ACCEPT)
        for target in (similar_training.TARGET, "open_match")
        for record in store.feedback.select(target=target)
        if record.subject is not None and record.action is not FeedbackAction.CORRECT
    ]
    return UserJudgements(tuple(pairs), store.feedback.select(target=runbook_training.TARGET))


def _learn_similar(
    history: History,
    judgements: UserJudgements,
    plan: TrainingPlan,
    progress: Progress,
    *,
    needs_links: bool,
) -> TrainedRetriever:
    if not any(
        incident.report.title or incident.report.description for incident in history.incidents
    ):
        raise NotEnoughHistory("similar: the history has no text")
    if needs_links and not judgements.pairs and not any(link_groups(history.incidents) != UNLINKED):
        raise NotEnoughHistory("similar: no incident has a known related incident")
    encoder = open_encoder(plan.encoder)
    cached = CachedEncoder(encoder, EncodingCache(plan.home.encodings, encoder))

    def advance(done: int, of: int) -> None:
        progress("indexing", done, of)

    trained = similar_training.train_similar(
        history, encoder=cached, judgements=judgements.pairs, seed=plan.seed, progress=advance
    )
    cached.flush()
    card = similar_training.similar_card(history, trained)
    ids = tuple(incident.report.id for incident in history.incidents)
    return TrainedRetriever(trained.model, card, trained.linked, ids)

"""Trains what searches the store: similar incidents and runbooks."""

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
"""The targets whose answers are entries of the store, not labels."""

_TOLERATED_LOSS = 0.005


@dataclass(frozen=True, slots=True)
class UserJudgements:
    """Feedback of people: on pairs of incidents, and on runbooks for incidents."""

    pairs: tuple[PairJudgement, ...] = ()
    of_runbooks: tuple[FeedbackRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedRetriever:
    """A retrieving model with its card, and how many incidents taught it.

    `learned_from` are the ids of all incidents that it read to learn.
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
    """Fit and judge one of `RETRIEVED`; raises `NotEnoughHistory` with nothing to find.

    Without links `similar` learns only how often incidents recur, and with `needs_links` nothing.
    """
    if target == similar_training.TARGET:
        return _learn_similar(history, judgements, plan, progress, needs_links=needs_links)
    if not runbooks:
        raise NotEnoughHistory("runbooks: none is stored; name their folder with --runbooks DIR")
    trained = runbook_training.train_runbooks(
        history, runbooks, split, encoder=plan.encoder, feedback=judgements.of_runbooks
    )
    card = runbook_training.runbooks_card(history, split, trained)
    labelled = [
        incident.report.id
        for incident in history.incidents
        if incident.outcome.runbook_id is not None
    ]
    learned_from = (*labelled, *(record.incident_id for record in judgements.of_runbooks))
    return TrainedRetriever(trained.model, card, trained.labelled, learned_from)


def publish_retrieval(
    learned: TrainedRetriever, history: History, plan: TrainingPlan, run_id: str
) -> TrainedTarget:
    """Register a model, and promote it unless it finds less than the plain baseline."""
    verdict = apply_force_promote(judge_retrieval(learned.card.metrics), plan)
    card = replace(learned.card, notes=(*learned.card.notes, *verdict.reasons), verdict=verdict)
    version = publish(
        learned.model,
        card,
        verdict,
        plan,
        run_id,
        learned_from=learned.learned_from,
        attributes=attributes_of(history),
    )
    return replace(describe(learned), verdict=verdict, version=version.version)


def describe(learned: TrainedRetriever) -> TrainedTarget:
    """Return the report of a model that was not registered."""
    return TrainedTarget(
        target=learned.card.target,
        kind=learned.card.kind,
        rows=learned.rows,
        metrics=learned.card.metrics,
        notes=learned.card.notes,
    )


def judge_retrieval(metrics: Sequence[Metric]) -> Verdict:
    """Compare the share of searches whose first entry is right with the baseline's.

    Without judged searches the shipped constants pass: there is nothing better to know.
    """
    first = next((metric for metric in metrics if metric.name == "recall_at_1"), None)
    if first is None or first.baseline is None:
        return Verdict(True, ("too few known relations to judge by",))
    figures = f"recall at 1 {first.value:.3f}, {first.baseline_name} {first.baseline:.3f}"
    if first.value < first.baseline - _TOLERATED_LOSS:
        return Verdict(False, (f"finds less than the baseline: {figures}",))
    return Verdict(True, (f"finds no less than the baseline: {figures}",))


def read_judgements(store: Store) -> UserJudgements:
    """Return the feedback that teaches to retrieve; no answer of ours is among it."""
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
        raise NotEnoughHistory("similar: no incident has a known relative")
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

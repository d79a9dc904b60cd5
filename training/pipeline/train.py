"""Stores a history and trains all its targets: fits, evaluates and promotes the models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from features.domain.history import DatasetMetadata, History
from features.domain.runbook import Runbook
from features.errors import NotEnoughHistory
from features.store.store import open_store
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from training.dataset.newest_incidents import newest_incidents
from training.dataset.point_in_time import (
    SelfConfirmedExcluded,
    describe_self_confirmed,
    exclude_self_confirmed,
)
from training.dataset.split import Split, split_history
from training.dataset.targets import Target, find_targets, has_labels
from training.label_noise.suspects import find_suspect_labels
from training.pipeline.fine_tune import AdaptedEncoder, adapt, remove_adapted_encoder
from training.pipeline.fit import encode_history, fit_best_encoder, prepare
from training.pipeline.register import training_run
from training.pipeline.report import TrainedTarget, TrainingReport
from training.pipeline.retrieval import (
    RETRIEVED,
    TrainedRetriever,
    UserJudgements,
    describe,
    learn_retrieval,
    publish_retrieval,
    read_judgements,
)
from training.pipeline.train_labels import describe_label_model, publish_label_model
from training.pipeline.train_novelty import (
    TrainedNovelty,
    describe_novelty,
    publish_novelty,
    train_novelty,
)
from training.pipeline.train_resolution import (
    TrainedResolution,
    describe_resolution,
    publish_resolution,
    train_resolution,
)
from training.plan import Progress, TrainingPlan

Learned = TypeVar("Learned")


def train(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Store the history; fit, evaluate and register all models; promote those that the gate allows.

    Labels that only repeat Precedent's own answers are stored, but not learned from.
    """
    original, exclusion = history, _exclude_self_confirmed(history, plan)
    history, limited = newest_incidents(exclusion.history, plan.most_rows)
    targets, skipped = choose_targets(history, plan.targets)
    split = split_history(history, seed=plan.seed)
    # Texts are encoded before they are stored, so that servers find their vectors in the cache.
    encoded = encode_history(original, plan, progress, learned=history)
    with open_store(plan.database_url, plan.tenant) as store:
        if original.incidents and not plan.is_stored:
            store.tracked.import_history(original.incidents, exclusion.labels_to_store)
            metadata = replace(DatasetMetadata.of(original), renamed=history.renamed)
            store.dataset_metadata.save(metadata)
        if plan.runbooks is not None:
            store.runbooks.replace_all(plan.runbooks, keep=plan.kept_runbooks)
        runbooks, judgements = store.runbooks.all(), read_judgements(store)
    adapted = _adapt_encoder(history, targets, split, plan, progress)
    novelty = _train_novelty(history, targets, split, plan, progress)
    with training_run(plan.home, plan.tenant, "train") as run_id:

        def learn(target: Target) -> TrainedTarget:
            fitted = fit_best_encoder(history, target, split, plan, adapted, novelty.allows_auto)
            return publish_label_model(history, target, split, plan, fitted, run_id)

        label_results, unfit = learn_targets(targets, plan.targets, learn, progress)
        needs_links = _needs_links(history, plan, label_results)
        retrievers, unfit_retrievers = _learn_retrievers(
            history, runbooks, judgements, split, plan, progress, needs_links=needs_links
        )
        retrieval_results = tuple(
            publish_retrieval(retriever, history, plan, run_id) for retriever in retrievers
        )
        resolution, unfit_resolution = _train_resolution(history, split, plan, progress)
        resolution_results = tuple(
            publish_resolution(trained, history, plan, run_id) for trained in resolution
        )
        results = (*label_results, *retrieval_results, *resolution_results)
        skipped |= unfit | unfit_retrievers | unfit_resolution
        _require_trained(results, plan, skipped)
        results += publish_novelty(novelty, history, plan, run_id)
    if isinstance(adapted, AdaptedEncoder) and not any(
        result.is_adapted for result in label_results
    ):
        remove_adapted_encoder(adapted, plan.home)
    report = _report(split, encoded, results, skipped)
    self_confirmed = describe_self_confirmed(exclusion.self_confirmed)
    warnings = (*limited, *report.warnings, *exclusion.warnings, *self_confirmed)
    return replace(report, warnings=warnings)


def measure_only(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Fit and evaluate like `train`, with the stored runbooks, but store and register nothing."""
    exclusion = _exclude_self_confirmed(history, plan)
    history, limited = newest_incidents(exclusion.history, plan.most_rows)
    targets, skipped = choose_targets(history, plan.targets)
    with open_store(plan.database_url, plan.tenant) as store:
        runbooks, judgements = store.runbooks.all(), read_judgements(store)
    split, encoded = prepare(history, plan, progress)

    novelty = _train_novelty(history, targets, split, plan, progress)

    def judge(target: Target) -> TrainedTarget:
        fitted = fit_best_encoder(history, target, split, plan, None, novelty.allows_auto)
        suspect_labels = find_suspect_labels(history.incidents, target, split, fitted.model)
        return describe_label_model(target, fitted, suspect_labels)

    label_results, unfit = learn_targets(targets, plan.targets, judge, progress)
    needs_links = _needs_links(history, plan, label_results)
    retrievers, unfit_retrievers = _learn_retrievers(
        history, runbooks, judgements, split, plan, progress, needs_links=needs_links
    )
    resolution, unfit_resolution = _train_resolution(history, split, plan, progress)
    results = (
        *label_results,
        *(describe(retriever) for retriever in retrievers),
        *map(describe_resolution, resolution),
    )
    skipped |= unfit | unfit_retrievers | unfit_resolution
    _require_trained(results, plan, skipped)
    results += describe_novelty(novelty, history)
    report = _report(split, encoded, results, skipped)
    return replace(report, warnings=(*limited, *report.warnings))


def _train_novelty(
    history: History,
    targets: Sequence[Target],
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
) -> TrainedNovelty:
    """Train novelty with every label target, unless only models of the store are wanted."""
    if plan.targets and not targets and NOVELTY not in plan.targets:
        return TrainedNovelty()
    return train_novelty(history, split, plan, progress)


def _train_resolution(
    history: History, split: Split, plan: TrainingPlan, progress: Progress
) -> tuple[tuple[TrainedResolution, ...], dict[str, str]]:
    """Return the model of resolution, or else why there is none."""
    if plan.targets and RESOLUTION not in plan.targets:
        return (), {}
    try:
        return (train_resolution(history, split, plan, progress),), {}
    except NotEnoughHistory as error:
        if RESOLUTION in plan.targets:
            raise
        return (), {RESOLUTION: f"not trained: {str(error).removeprefix(f'{RESOLUTION}: ')}"}


def _exclude_self_confirmed(history: History, plan: TrainingPlan) -> SelfConfirmedExcluded:
    if not history.incidents or plan.is_stored:
        return SelfConfirmedExcluded(history)
    with open_store(plan.database_url, plan.tenant) as store:
        return exclude_self_confirmed(store, history)


def _needs_links(
    history: History, plan: TrainingPlan, label_results: Sequence[TrainedTarget]
) -> bool:
    """Return whether training `similar` should fail without links.

    If the history has labels but none can be learned, training should fail rather than train only
    `similar` without links.
    """
    return not label_results and not plan.targets and has_labels(history)


def _learn_retrievers(
    history: History,
    runbooks: Sequence[Runbook],
    judgements: UserJudgements,
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
    *,
    needs_links: bool,
) -> tuple[tuple[TrainedRetriever, ...], dict[str, str]]:
    """Return the models of the retrieval targets, and by target why a model was not trained."""
    retrievers, unfit = [], {}
    for target in RETRIEVED:
        if plan.targets and target not in plan.targets:
            continue
        try:
            retrievers.append(
                learn_retrieval(
                    target,
                    history,
                    runbooks,
                    judgements,
                    split,
                    plan,
                    progress,
                    needs_links=needs_links,
                )
            )
        except NotEnoughHistory as error:
            if target in plan.targets:
                raise
            unfit[target] = f"not trained: {str(error).removeprefix(f'{target}: ')}"
    return tuple(retrievers), unfit


def _adapt_encoder(
    history: History,
    targets: Sequence[Target],
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
) -> AdaptedEncoder | str | None:
    """Adapt the encoder if the plan allows time; a returned text says why it was not adapted."""
    if not plan.adapt_minutes:
        return None
    return adapt(history, targets, split, plan, progress)


def _report(
    split: Split,
    encoded: int,
    trained: tuple[TrainedTarget, ...],
    skipped: Mapping[str, str],
) -> TrainingReport:
    return TrainingReport(
        split=split.description,
        encoded=encoded,
        trained=trained,
        skipped=skipped,
        scope=split.scope,
        warnings=split.warnings,
    )


def require_trained(trained: Sequence[object], skipped: Mapping[str, str]) -> None:
    """Raise `NotEnoughHistory` with the reasons if nothing was trained."""
    if not trained:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise NotEnoughHistory(f"nothing can be trained from this history ({reasons})")


def _require_trained(
    trained: Sequence[object], plan: TrainingPlan, skipped: Mapping[str, str]
) -> None:
    """Require another target than novelty, unless novelty is wanted by name."""
    if NOVELTY not in plan.targets:
        require_trained(trained, skipped)


def choose_targets(
    history: History, names: Sequence[str]
) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Return the label targets to train, and by target the reasons why others are skipped.

    Raises `NotEnoughHistory` if a wanted target cannot be trained.
    """
    targets, skipped = find_targets(history)
    trainable_names = [target.name for target in targets]
    for name in names:
        if name not in trainable_names and name not in (*RETRIEVED, NOVELTY, RESOLUTION):
            reason = skipped.get(name, "not trained: the history has no such column")
            raise NotEnoughHistory(f"{name}: {reason.removeprefix('not trained: ')}")
    if names:
        return tuple(target for target in targets if target.name in names), {}
    return targets, skipped


def learn_targets(
    targets: Sequence[Target],
    names: Sequence[str],
    learn: Callable[[Target], Learned],
    progress: Progress,
) -> tuple[tuple[Learned, ...], dict[str, str]]:
    """Learn each target; return the results, and by target the reasons why others are unfit.

    A target is unfit if `learn` raises `NotEnoughHistory`; if the target is in `names`, the error
    is raised.
    """
    results, unfit = [], {}
    for place, target in enumerate(targets):
        progress("fitting", place, len(targets))
        try:
            results.append(learn(target))
        except NotEnoughHistory as error:
            if target.name in names:
                raise
            unfit[target.name] = f"not trained: {error}"
    progress("fitting", len(targets), len(targets))
    return tuple(results), unfit

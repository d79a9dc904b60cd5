"""From a history to registered and promoted models: the order in which everything happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from features.domain.history import DatasetMetadata, History
from features.domain.runbook import Runbook
from features.errors import NotEnoughHistory
from features.store.store import open_store
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.kinds import kind_of
from training.dataset.point_in_time import (
    SelfConfirmedExcluded,
    describe_self_confirmed,
    exclude_self_confirmed,
)
from training.dataset.split import Split
from training.dataset.targets import Target, attributes_of, find_targets, has_labels
from training.evaluation.held_out_predictions import write_held_out_predictions
from training.evaluation.label_noise import SuspectLabels, find_suspect_labels, write_suspects
from training.gate.decide import judge_challenger
from training.gate.opponents import find_opponents
from training.pipeline.fine_tune import AdaptedEncoder, adapt, forget
from training.pipeline.fit import Fitted, fit_best_encoder, prepare
from training.pipeline.model_card import write_card
from training.pipeline.publish import apply_force_promote, publish
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
from training.plan import Progress, TrainingPlan

Learned = TypeVar("Learned")
_SHOWN_SUSPECTS = 5


def train(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Store the history, then fit, judge, register and, where the gate allows it, promote.

    Labels that only repeat our own answers are stored, but not learned from.
    """
    original, past = history, _exclude_self_confirmed(history, plan)
    history = past.history
    chosen, skipped = choose_targets(history, plan.targets)
    split, encoded = prepare(history, plan, progress)
    # Encoded before they are stored: servers index at once what they find in the cache.
    with open_store(plan.database_url, plan.tenant) as store:
        if original.incidents and not plan.is_stored:
            store.incidents.upsert(original.incidents, past.labels_to_store)
            store.dataset_metadata.save(DatasetMetadata.of(original))
        if plan.runbooks is not None:
            store.runbooks.replace_all(plan.runbooks, keep=plan.kept_runbooks)
        runbooks, judgements = store.runbooks.all(), read_judgements(store)
    adapted = _adapted(history, chosen, split, plan, progress)
    with training_run(plan.home, plan.tenant, "train") as run_id:

        def learn(target: Target) -> TrainedTarget:
            fitted = fit_best_encoder(history, target, split, plan, adapted)
            return _publish(history, target, split, plan, fitted, run_id)

        labelled, unfit = learn_targets(chosen, plan.targets, learn, progress)
        needs_links = _needs_links(history, plan, labelled)
        searches, without = _learn_searches(
            history, runbooks, judgements, split, plan, progress, needs_links=needs_links
        )
        found = tuple(publish_retrieval(search, history, plan, run_id) for search in searches)
    if isinstance(adapted, AdaptedEncoder) and not any(trained.is_adapted for trained in labelled):
        forget(adapted, plan.home)
    report = _report(split, encoded, (*labelled, *found), skipped | unfit | without)
    return replace(
        report,
        warnings=(*report.warnings, *past.warnings, *describe_self_confirmed(past.self_confirmed)),
    )


def measure_only(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Fit and judge as `train` does, with the stored runbooks, but keep nothing."""
    history = _exclude_self_confirmed(history, plan).history
    chosen, skipped = choose_targets(history, plan.targets)
    with open_store(plan.database_url, plan.tenant) as store:
        runbooks, judgements = store.runbooks.all(), read_judgements(store)
    split, encoded = prepare(history, plan, progress)

    def judge(target: Target) -> TrainedTarget:
        fitted = fit_best_encoder(history, target, split, plan, None)
        return _trained(
            target, fitted, find_suspect_labels(history.incidents, target, split, fitted.model)
        )

    labelled, unfit = learn_targets(chosen, plan.targets, judge, progress)
    needs_links = _needs_links(history, plan, labelled)
    searches, without = _learn_searches(
        history, runbooks, judgements, split, plan, progress, needs_links=needs_links
    )
    found = tuple(describe(search) for search in searches)
    return _report(split, encoded, (*labelled, *found), skipped | unfit | without)


def _exclude_self_confirmed(history: History, plan: TrainingPlan) -> SelfConfirmedExcluded:
    if not history.incidents or plan.is_stored:
        return SelfConfirmedExcluded(history)
    with open_store(plan.database_url, plan.tenant) as store:
        return exclude_self_confirmed(store, history)


def _needs_links(history: History, plan: TrainingPlan, labelled: Sequence[TrainedTarget]) -> bool:
    """Tell whether the labels, of which none can be learned, should be mended first."""
    return not labelled and not plan.targets and has_labels(history)


def _learn_searches(
    history: History,
    runbooks: Sequence[Runbook],
    judgements: UserJudgements,
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
    *,
    needs_links: bool,
) -> tuple[tuple[TrainedRetriever, ...], dict[str, str]]:
    """Return the models of the retrieving targets, and why others were not trained."""
    trained, unfit = [], {}
    for target in RETRIEVED:
        if plan.targets and target not in plan.targets:
            continue
        try:
            trained.append(
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
    return tuple(trained), unfit


def _adapted(
    history: History,
    targets: Sequence[Target],
    split: Split,
    plan: TrainingPlan,
    progress: Progress,
) -> AdaptedEncoder | str | None:
    """Adapt the encoder if the plan gives it time; a text says why it was not adapted after all."""
    if not plan.adapt_minutes:
        return None
    return adapt(history, targets, split, plan, progress)


def _report(
    split: Split,
    encoded: int,
    trained: tuple[TrainedTarget, ...],
    skipped: Mapping[str, str],
) -> TrainingReport:
    """Put the report together; raises `NotEnoughHistory` when nothing was trained."""
    require_trained(trained, skipped)
    return TrainingReport(
        split=split.description,
        encoded=encoded,
        trained=trained,
        skipped=skipped,
        scope=split.scope,
        warnings=split.warnings,
    )


def require_trained(trained: Sequence[object], skipped: Mapping[str, str]) -> None:
    """Raise `NotEnoughHistory` when nothing was trained, with the reasons."""
    if not trained:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise NotEnoughHistory(f"nothing can be trained from this history ({reasons})")


def choose_targets(
    history: History, wanted: Sequence[str]
) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Return the labels to train and the skipped ones; a wanted one must be trainable."""
    found, skipped = find_targets(history)
    names = [target.name for target in found]
    for name in wanted:
        if name not in names and name not in RETRIEVED:
            reason = skipped.get(name, "not trained: the history has no such column")
            raise NotEnoughHistory(f"{name}: {reason.removeprefix('not trained: ')}")
    if wanted:
        return tuple(target for target in found if target.name in wanted), {}
    return found, skipped


def learn_targets(
    chosen: Sequence[Target],
    wanted: Sequence[str],
    learn: Callable[[Target], Learned],
    progress: Progress,
) -> tuple[tuple[Learned, ...], dict[str, str]]:
    """Learn each target; returns the results, and why others are unfit once they are split.

    Raises `NotEnoughHistory` when an unfit one is wanted by name.
    """
    trained, unfit = [], {}
    for place, target in enumerate(chosen):
        progress("fitting", place, len(chosen))
        try:
            trained.append(learn(target))
        except NotEnoughHistory as error:
            if target.name in wanted:
                raise
            unfit[target.name] = f"not trained: {error}"
    progress("fitting", len(chosen), len(chosen))
    return tuple(trained), unfit


def _publish(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    fitted: Fitted,
    run_id: str,
) -> TrainedTarget:
    """Register the model as challenger, pass it through the gate, and promote it if it may."""
    model, evaluation = fitted.model, fitted.evaluation
    learned_from = _learned_from(history, target, fitted)
    opponents = find_opponents(evaluation, history, target.name, learned_from, plan)
    verdict = judge_challenger(evaluation, opponents, ordered=target.is_ordered)
    verdict = apply_force_promote(verdict, plan)
    doubts = find_suspect_labels(history.incidents, target, split, model)

    def keep_evaluation(folder: EvaluationFolder) -> None:
        write_held_out_predictions(
            evaluation, [incident.report.id for incident in history.incidents], folder
        )
        write_suspects(doubts.suspects, folder.label_noise)

    version = publish(
        model,
        write_card(history, target, split, fitted, verdict, doubts.noise),
        verdict,
        plan,
        run_id,
        learned_from=learned_from,
        attributes=attributes_of(history),
        keep_evaluation=keep_evaluation,
    )
    return replace(
        _trained(target, fitted, doubts),
        label_noise_file=str(evaluation_folder(version, plan.home).label_noise),
        verdict=verdict,
        version=version.version,
    )


def _learned_from(history: History, target: Target, fitted: Fitted) -> list[str]:
    """Return the ids that the target has a label of; an adapted encoder learned from any label."""
    return [
        incident.report.id
        for incident, label in zip(history.incidents, target.labels, strict=True)
        if label is not None or fitted.is_adapted
    ]


def _trained(target: Target, fitted: Fitted, doubts: SuspectLabels) -> TrainedTarget:
    model, evaluation = fitted.model, fitted.evaluation
    certification, judged = model.certification_, evaluation.judged
    thresholds = [
        certification.certificates[label].threshold if label in certification.certificates else 2.0
        for label in model.classes_
    ]
    auto = sum(
        confidence >= thresholds[number]
        for number, confidence in zip(judged.predicted, judged.confidence, strict=True)
    )
    return TrainedTarget(
        target=target.name,
        kind=kind_of(target.levels).name,
        rows=len(model.example_ids_),
        metrics=evaluation.metrics,
        certificates=certification.certificates,
        auto_share=float(auto) / len(judged.labels),
        withheld=certification.withheld,
        drift=evaluation.drift,
        label_noise=doubts.noise,
        suspects=doubts.suspects[:_SHOWN_SUSPECTS],
        encoder=fitted.encoder,
        is_adapted=fitted.is_adapted,
        outlook=fitted.forecast,
    )

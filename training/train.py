"""From a history to registered and promoted models: the order in which everything happens."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from features.errors import NotEnoughHistory
from features.history.history import History
from features.history.store import open_store
from models.artifacts.folder import save_artifact
from models.artifacts.snapshots import EvaluationFolder, evaluation_folder
from models.card import Drift, LabelNoise, Metric
from models.kinds import kind_of
from models.prediction import Certificate
from training.account import write_card
from training.adapt import AdaptedEncoder, adapt, forget
from training.fit import Fitted, fit_in_tiers, prepare
from training.gate import Verdict, judge_challenger
from training.judgement import champion_judgement, write_judgement
from training.label_noise import LabelDoubts, Suspect, doubt_labels, write_suspects
from training.plan import Progress, TrainingPlan
from training.promote import promote
from training.register import register, training_run
from training.split import Split
from training.targets import Target, find_targets

Learned = TypeVar("Learned")
_SHOWN_SUSPECTS = 5


@dataclass(frozen=True, slots=True)
class TrainedTarget:
    """What became of one target."""

    target: str
    kind: str
    rows: int
    metrics: tuple[Metric, ...]
    certificates: Mapping[str, Certificate]
    auto_share: float
    withheld: str | None
    drift: Drift | None = None
    label_noise: LabelNoise | None = None
    suspects: tuple[Suspect, ...] = ()
    label_noise_file: str | None = None
    encoder: str | None = None
    is_adapted: bool = False
    verdict: Verdict | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training did, in the order of its targets.

    `scope` says for whose incidents the certificates hold.
    """

    split: str
    encoded: int
    trained: tuple[TrainedTarget, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""
    warnings: tuple[str, ...] = ()


def train(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Store the history, then fit, judge, register and, where the gate allows it, promote."""
    chosen, skipped = choose_targets(history, plan.targets)
    with open_store(plan.database_url, plan.tenant) as store:
        store.upsert(history.incidents)
    split, encoded = prepare(history, plan, progress)
    adapted = _adapted(history, chosen, split, plan, progress)
    with training_run(plan.home, plan.tenant, "train") as run_id:

        def learn(target: Target) -> TrainedTarget:
            fitted = fit_in_tiers(history, target, split, plan, adapted)
            return _publish(history, target, split, plan, fitted, run_id)

        trained, unfit = learn_each(chosen, plan.targets, learn, progress)
    if isinstance(adapted, AdaptedEncoder) and not any(one.is_adapted for one in trained):
        forget(adapted, plan.home)
    return _report(split, encoded, trained, skipped | unfit)


def measure_only(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Fit and judge as `train` does, but keep nothing."""
    chosen, skipped = choose_targets(history, plan.targets)
    split, encoded = prepare(history, plan, progress)

    def judge(target: Target) -> TrainedTarget:
        fitted = fit_in_tiers(history, target, split, plan, None)
        return _trained(
            target, fitted, doubt_labels(history.incidents, target, split, fitted.model)
        )

    found, unfit = learn_each(chosen, plan.targets, judge, progress)
    return _report(split, encoded, found, skipped | unfit)


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
    split: Split, encoded: int, trained: tuple[TrainedTarget, ...], skipped: Mapping[str, str]
) -> TrainingReport:
    return TrainingReport(
        split=split.description,
        encoded=encoded,
        trained=trained,
        skipped=skipped,
        scope=split.scope,
        warnings=split.warnings,
    )


def choose_targets(
    history: History, wanted: Sequence[str]
) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Return the targets to train and the skipped ones; a wanted one must be trainable."""
    found, skipped = find_targets(history)
    names = [target.name for target in found]
    for name in wanted:
        if name not in names:
            reason = skipped.get(name, "not trained: the history has no such column")
            raise NotEnoughHistory(f"{name}: {reason.removeprefix('not trained: ')}")
    chosen = tuple(target for target in found if not wanted or target.name in wanted)
    if not chosen:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise NotEnoughHistory(f"nothing can be trained from this history ({reasons})")
    return chosen, skipped


def learn_each(
    chosen: Sequence[Target],
    wanted: Sequence[str],
    learn: Callable[[Target], Learned],
    progress: Progress,
) -> tuple[tuple[Learned, ...], dict[str, str]]:
    """Return what became of each target, and why others turn out to be unfit once they are split.

    Raises `NotEnoughHistory` when all are, or one that is wanted by name.
    """
    trained, unfit = [], {}
    for place, target in enumerate(chosen):
        progress("fitting", place, len(chosen))
        try:
            trained.append(learn(target))
        except NotEnoughHistory as error:
            if target.name in wanted or (not trained and place == len(chosen) - 1):
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
    champion = champion_judgement(plan.home, plan.tenant, target.name)
    verdict = judge_challenger(evaluation, champion, ordered=target.is_ordered)
    if plan.force_promote and not verdict.promoted:
        verdict = Verdict(True, (*verdict.reasons, "promoted all the same, by --force-promote"))
    doubts = doubt_labels(history.incidents, target, split, model)
    card = write_card(history, target, split, fitted, verdict, doubts.noise)
    folder = Path(tempfile.mkdtemp(prefix="artifact-", dir=plan.home.root))
    judged = EvaluationFolder(folder / "evaluation")
    try:
        learned_from = _learned_from(history, target, fitted)
        save_artifact(model, card, folder / "model", learned_from=learned_from)
        write_judgement(evaluation, [one.report.id for one in history.incidents], judged)
        write_suspects(doubts.suspects, judged.label_noise)
        version = register(
            folder / "model",
            card,
            home=plan.home,
            tenant=plan.tenant,
            parent_run_id=run_id,
            attributes=sorted(
                {name for one in history.incidents for name in one.report.attributes}
            ),
            evaluation=judged.root,
        )
    finally:
        shutil.rmtree(folder)
    if verdict.promoted:
        promote(target.name, version.version, home=plan.home, tenant=plan.tenant)
    return replace(
        _trained(target, fitted, doubts),
        label_noise_file=str(evaluation_folder(version, plan.home).label_noise),
        verdict=verdict,
        version=version.version,
    )


def _learned_from(history: History, target: Target, fitted: Fitted) -> list[str]:
    """Return the ids that the target has a label of; an adapted encoder learned from any label."""
    return [
        one.report.id
        for one, label in zip(history.incidents, target.labels, strict=True)
        if label is not None or fitted.is_adapted
    ]


def _trained(target: Target, fitted: Fitted, doubts: LabelDoubts) -> TrainedTarget:
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
    )

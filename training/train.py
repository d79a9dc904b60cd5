"""From a history to registered and promoted models: the order in which everything happens."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from features.encoding.cache import EncodingCache, encode_ahead
from features.encoding.weights import open_encoder
from features.errors import NotEnoughHistory
from features.history.history import History
from features.history.store import open_store
from features.home import Home
from features.incident.cleaning import incident_text
from models.artifacts.folder import save_artifact
from models.calibrated import CalibratedModel
from models.card import Card, Metric, RowCounts, package_versions
from models.kinds import build_model, kind_of
from models.prediction import Certificate
from training.certify import certify
from training.evaluate import Evaluation, evaluate
from training.gate import Verdict, judge_challenger
from training.judgement import champion_judgement, write_judgement
from training.promote import promote
from training.provenance import why_auto_is_withheld
from training.register import register, training_run
from training.split import Split, split_history
from training.targets import Target, find_targets

Progress = Callable[[str, int, int], None]


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
    verdict: Verdict | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training did, in the order of its targets."""

    split: str
    encoded: int
    trained: tuple[TrainedTarget, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and where; no `targets` means all that the history supports."""

    home: Home
    tenant: str
    database_url: str
    encoder: str
    targets: tuple[str, ...] = ()
    force_promote: bool = False
    seed: int = 0


def train(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Store the history, then fit, judge, register and, where the gate allows it, promote."""
    chosen, skipped = choose_targets(history, plan.targets)
    with open_store(plan.database_url, plan.tenant) as store:
        store.upsert(history.incidents)
    split, encoded = prepare(history, plan, progress)
    with training_run(plan.home, plan.tenant, "train") as run_id:

        def learn(target: Target) -> TrainedTarget:
            model, evaluation = fit_and_judge(history, target, split, plan)
            return _publish(history, target, split, plan, model, evaluation, run_id)

        trained, unfit = learn_each(chosen, plan.targets, learn, progress)
    return TrainingReport(split.description, encoded, trained, skipped | unfit)


def measure_only(history: History, plan: TrainingPlan, progress: Progress) -> TrainingReport:
    """Fit and judge as `train` does, but keep nothing."""
    chosen, skipped = choose_targets(history, plan.targets)
    split, encoded = prepare(history, plan, progress)

    def judge(target: Target) -> TrainedTarget:
        return _trained(target, *fit_and_judge(history, target, split, plan))

    found, unfit = learn_each(chosen, plan.targets, judge, progress)
    return TrainingReport(split.description, encoded, found, skipped | unfit)


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
    learn: Callable[[Target], TrainedTarget],
    progress: Progress,
) -> tuple[tuple[TrainedTarget, ...], dict[str, str]]:
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


def prepare(history: History, plan: TrainingPlan, progress: Progress) -> tuple[Split, int]:
    """Split the history and encode its texts; returns how many had to be encoded anew."""
    split = split_history(history, seed=plan.seed)
    encoder = open_encoder(plan.encoder)
    unique = dict.fromkeys(incident_text(one.report) for one in history.incidents)
    texts = [text for text in unique if text]
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("encoding", done, len(texts))

    cache = EncodingCache(plan.home.encodings, encoder)
    return split, encode_ahead(encoder, texts, cache, advance)


def fit_and_judge(
    history: History, target: Target, split: Split, plan: TrainingPlan
) -> tuple[CalibratedModel, Evaluation]:
    """Fit one target, judge it on held-out rows, and certify what these rows prove."""
    model = build_model(
        target.name, levels=history.severity_levels, encoder=plan.encoder, seed=plan.seed
    )
    model.fit(history.incidents, split.folds)
    evaluation = evaluate(model, target, split, [one.report for one in history.incidents])
    withheld = why_auto_is_withheld(history)
    proven = certify(evaluation.judged, model.classes_, split.copies[evaluation.rows])
    allowed = {} if withheld else proven.certificates
    model.certify(replace(proven, certificates=allowed, withheld=withheld))
    return model, evaluation


def _publish(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    model: CalibratedModel,
    evaluation: Evaluation,
    run_id: str,
) -> TrainedTarget:
    """Register the model as challenger, pass it through the gate, and promote it if it may."""
    champion = champion_judgement(plan.home, plan.tenant, target.name)
    verdict = judge_challenger(evaluation, champion, ordered=target.is_ordered)
    if plan.force_promote and not verdict.promoted:
        verdict = Verdict(True, (*verdict.reasons, "promoted all the same, by --force-promote"))
    card = _card(history, target, split, model, evaluation, verdict)
    folder = Path(tempfile.mkdtemp(prefix="artifact-", dir=plan.home.root))
    try:
        save_artifact(model, card, folder / "model")
        write_judgement(evaluation, folder / "evaluation")
        version = register(
            folder / "model",
            card,
            home=plan.home,
            tenant=plan.tenant,
            parent_run_id=run_id,
            attributes=sorted(
                {name for one in history.incidents for name in one.report.attributes}
            ),
            evaluation=folder / "evaluation",
        )
    finally:
        shutil.rmtree(folder)
    if verdict.promoted:
        promote(target.name, version.version, home=plan.home, tenant=plan.tenant)
    return replace(_trained(target, model, evaluation), verdict=verdict, version=version.version)


def _trained(target: Target, model: CalibratedModel, evaluation: Evaluation) -> TrainedTarget:
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
        kind=kind_of(target.name).name,
        rows=len(model.example_ids_),
        metrics=evaluation.metrics,
        certificates=certification.certificates,
        auto_share=float(auto) / len(judged.labels),
        withheld=certification.withheld,
    )


def _card(
    history: History,
    target: Target,
    split: Split,
    model: CalibratedModel,
    evaluation: Evaluation,
    verdict: Verdict,
) -> Card:
    opened = [one.report.opened_at for one in history.incidents if one.report.opened_at]
    notes = (
        f"judged on {len(evaluation.rows)} held-out incidents, then refitted on all labelled ones",
        *verdict.reasons,
        *([model.certification_.withheld] if model.certification_.withheld else []),
    )
    return Card(
        target=target.name,
        kind=kind_of(target.name).name,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=RowCounts(
            read=len(history.incidents) + len(history.rejected),
            used=len(history.incidents),
            rejected=len(history.rejected),
            labelled=len(model.example_ids_),
        ),
        cutoff=max(opened, default=None),
        split=split.description,
        provenance={column: str(known) for column, known in history.provenance.items()},
        metrics=evaluation.metrics,
        certificates=model.certification_.certificates,
        parameters={name: str(value) for name, value in model.get_params().items()},
        versions=package_versions(),
        encoder_sha256=model.encoder,
        notes=notes,
    )

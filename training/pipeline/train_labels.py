"""Publishes the model of a label target, and describes the result of its training."""

from dataclasses import replace

from features.domain.history import History
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.kinds import kind_of
from training.dataset.split import Split
from training.dataset.targets import Target, attributes_of
from training.evaluation.held_out_predictions import write_held_out_predictions
from training.gate.decide import judge_challenger
from training.gate.opponents import find_opponents
from training.label_noise.suspects import SuspectLabels, find_suspect_labels, write_suspects
from training.pipeline.fit import Fitted
from training.pipeline.model_card import write_card
from training.pipeline.publish import apply_force_promote, publish
from training.pipeline.report import TrainedTarget
from training.plan import TrainingPlan

_MAX_SUSPECTS = 5


def publish_label_model(
    history: History,
    target: Target,
    split: Split,
    plan: TrainingPlan,
    fitted: Fitted,
    run_id: str,
) -> TrainedTarget:
    """Compare the model with its opponents, register it, and promote it if the gate allows."""
    model, evaluation = fitted.model, fitted.evaluation
    learned_from = _learned_from(history, target, fitted)
    opponents = find_opponents(evaluation, history, target.name, learned_from, plan)
    verdict = judge_challenger(evaluation, opponents, ordered=target.is_ordered)
    verdict = apply_force_promote(verdict, plan)
    suspect_labels = find_suspect_labels(history.incidents, target, split, model)

    def keep_evaluation(folder: EvaluationFolder) -> None:
        write_held_out_predictions(
            evaluation, [incident.report.id for incident in history.incidents], folder
        )
        write_suspects(suspect_labels.suspects, folder.label_noise)

    version = publish(
        model,
        write_card(history, target, split, fitted, verdict, suspect_labels.noise),
        verdict,
        plan,
        run_id,
        learned_from=learned_from,
        attributes=attributes_of(history),
        keep_evaluation=keep_evaluation,
    )
    return replace(
        describe_label_model(target, fitted, suspect_labels),
        label_noise_file=str(evaluation_folder(version, plan.home).label_noise),
        verdict=verdict,
        version=version.version,
    )


def _learned_from(history: History, target: Target, fitted: Fitted) -> list[str]:
    """Return the ids of the incidents that the model learned from.

    A model with an adapted encoder learned from all incidents, since the encoder learned the labels
    of all targets. Other models learned from the incidents with a label of the target.
    """
    return [
        incident.report.id
        for incident, label in zip(history.incidents, target.labels, strict=True)
        if label is not None or fitted.is_adapted
    ]


def describe_label_model(
    target: Target, fitted: Fitted, suspect_labels: SuspectLabels
) -> TrainedTarget:
    """Return the training result of a fitted model, without verdict and version."""
    model, evaluation = fitted.model, fitted.evaluation
    certification, predictions = model.certification_, evaluation.actionable
    thresholds = [
        certification.certificates[label].threshold if label in certification.certificates else 2.0
        for label in model.classes_
    ]
    auto_count = sum(
        confidence >= thresholds[number]
        for number, confidence in zip(predictions.predicted, predictions.confidence, strict=True)
    )
    return TrainedTarget(
        target=target.name,
        kind=kind_of(target.levels).name,
        rows=len(model.example_ids_),
        metrics=evaluation.metrics,
        certificates=certification.certificates,
        auto_share=float(auto_count) / len(predictions.labels),
        withheld=certification.withheld,
        drift=evaluation.drift,
        label_noise=suspect_labels.noise,
        suspects=suspect_labels.suspects[:_MAX_SUSPECTS],
        encoder=fitted.encoder,
        is_adapted=fitted.is_adapted,
        outlook=fitted.forecast,
    )

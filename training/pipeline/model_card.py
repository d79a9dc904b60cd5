"""Writes the card of a trained model: its data, its evaluation and its certificates."""

from datetime import UTC, datetime

from features.domain.history import History
from models.base.gate_verdict import Verdict
from models.base.model_card import Card, LabelNoise, package_versions
from models.classification.calibrated_model import CalibratedModel
from models.kinds import kind_of
from training.dataset.history_facts import count_rows, name_provenance
from training.dataset.split import Split
from training.dataset.targets import Target, data_end
from training.evaluation.reliability import reliability_by_bin, reliability_by_class
from training.evaluation.unknown_label_precision import (
    describe_unknown_label_precision,
    unknown_label_precision,
)
from training.pipeline.fit import Fitted


def write_card(
    history: History,
    target: Target,
    split: Split,
    fitted: Fitted,
    verdict: Verdict,
    noise: LabelNoise,
) -> Card:
    """Return the card of a model that is to be registered."""
    model, evaluation = fitted.model, fitted.evaluation
    estimates = unknown_label_precision(model, evaluation)
    return Card(
        target=target.name,
        kind=kind_of(target.levels).name,
        created_at=datetime.now(UTC),
        data_sha256=history.sha256,
        rows=count_rows(history, labelled=len(model.example_ids_)),
        cutoff=data_end(history, target.name),
        split=split.description,
        provenance=name_provenance(history),
        metrics=evaluation.metrics,
        reliability=reliability_by_bin(evaluation.judged),
        class_reliability=reliability_by_class(evaluation.judged, evaluation.classes),
        slices=evaluation.slice_metrics,
        certificates=model.certification_.certificates,
        label_noise=noise,
        drift=evaluation.drift,
        verdict=verdict,
        rung=model.rung,
        learning_curve=fitted.forecast.learning_curve if fitted.forecast else (),
        labels_until_auto=_labels_until_auto(fitted),
        unknown_label_precision=estimates,
        parameters={name: str(value) for name, value in model.get_params(deep=False).items()},
        versions=package_versions(),
        encoder_sha256=model.encoder,
        adapted_encoder_sha256=model.adapted_encoder,
        notes=(
            *_notes(history, target, split, fitted, verdict),
            *describe_unknown_label_precision(estimates),
        ),
    )


def _labels_until_auto(fitted: Fitted) -> int | None:
    # While certificates are withheld, more labels give no certificate; a note says what to do.
    forecast = fitted.forecast
    return None if forecast is None or forecast.is_withheld else forecast.labels_until_auto


def _notes(
    history: History, target: Target, split: Split, fitted: Fitted, verdict: Verdict
) -> tuple[str, ...]:
    model, evaluation = fitted.model, fitted.evaluation
    return (
        f"judged on {len(evaluation.rows)} held-out incidents, then refitted on all labelled ones",
        *([model.recent_past_.describe()] if model.recent_past_ else []),
        *_certificate_notes(split, model),
        *(fitted.forecast.statements if fitted.forecast else ()),
        *split.warnings,
        *((fitted.encoder,) if fitted.encoder else ()),
        *verdict.reasons,
        *(f"warning: {warning}" for warning in verdict.warnings),
        *([model.certification_.withheld] if model.certification_.withheld else []),
        *_priority_note(history, target),
    )


def _certificate_notes(split: Split, model: CalibratedModel) -> tuple[str, ...]:
    certificates = model.certification_.certificates.values()
    if not certificates:
        return ()
    is_family = any(certificate.family for certificate in certificates)
    scope = "all labels at once" if is_family else "each label alone"
    return (
        "certificates were proven on held-out incidents, one of each group of near-copies, at 95% "
        f"confidence for {scope}",
        split.scope,
    )


def _priority_note(history: History, target: Target) -> tuple[str, ...]:
    matrix = history.priority_matrix
    return (matrix.describe(),) if matrix is not None and target.name == "severity" else ()

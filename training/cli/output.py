"""Describes the report of a training, as printed text or as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.domain.history import History
from features.formatting import counted, interval
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from training.pipeline.backtest import BacktestReport
from training.pipeline.report import TrainedTarget, TrainingReport


def report_json(report: TrainingReport | BacktestReport, history: History) -> str:
    """Return the report as JSON, with counts and warnings of the history."""
    fields = asdict(report) | {
        "rows": len(history.incidents),
        "rejected": len(history.rejected),
        "warnings": [*history.warnings, *report.warnings],
        "provenance": dict(history.provenance),
    }
    return json.dumps(fields, indent=2, default=str)


def describe_report(report: TrainingReport) -> None:
    """Print the split, and for each target its metrics and the gate's verdict."""
    console = Console()
    encoded = counted(report.encoded, "text")
    console.print(f"measured in {report.split}; {encoded} newly encoded", markup=False)
    for warning in report.warnings:
        console.print(f"  warning: {warning}", markup=False)
    for trained in report.trained:
        console.print(_metric_table(trained) if trained.metrics else Text(_title(trained)))
        for line in _target_lines(trained):
            console.print(f"  {line}", markup=False)
    if any(trained.certificates for trained in report.trained):
        console.print(report.scope, markup=False)
    for target, reason in report.skipped.items():
        console.print(f"{target}: {reason}", markup=False)


def _target_lines(trained: TrainedTarget) -> Iterator[str]:
    if trained.label_noise is not None:
        yield from _auto_lines(trained)
    if trained.drift is not None:
        yield trained.drift.statement
    if trained.encoder is not None:
        yield trained.encoder
    if trained.outlook is not None:
        yield from trained.outlook.statements
    yield from trained.notes
    yield from _noise_lines(trained)
    if trained.verdict is not None:
        state = "PROMOTED" if trained.verdict.promoted else "NOT PROMOTED"
        yield f"version {trained.version} {state}: {'; '.join(trained.verdict.reasons)}"
        yield from (f"warning: {warning}" for warning in trained.verdict.warnings)


def _metric_table(trained: TrainedTarget) -> Table:
    # Plain text, because rich would read text in brackets as markup.
    table = Table(title=Text(_title(trained)))
    for heading in ("metric", "value", "95% interval", f"baseline: {_baseline(trained)}"):
        table.add_column(heading)
    for metric in trained.metrics:
        base = "" if metric.baseline is None else f"{metric.baseline:.3f}"
        bounds = interval(metric.low, metric.high)
        table.add_row(metric.name, f"{metric.value:.3f}", bounds, base)
    return table


def _title(trained: TrainedTarget) -> str:
    # The models of novelty and of resolution learn from incidents without labels too.
    has_labels = trained.target not in (NOVELTY, RESOLUTION)
    incidents = "labelled incident" if has_labels else "incident"
    return f"{trained.target} ({trained.kind}, {counted(trained.rows, incidents)})"


def _baseline(trained: TrainedTarget) -> str:
    return next(
        (metric.baseline_name for metric in trained.metrics if metric.baseline_name), "none"
    )


def _auto_lines(trained: TrainedTarget) -> Iterator[str]:
    if trained.withheld is not None:
        yield trained.withheld
    if trained.certificates:
        yield _certificate_line(trained)
    elif trained.withheld is None:
        yield "no label is certified for auto: too few confident and right answers so far"


def _certificate_line(trained: TrainedTarget) -> str:
    certificates = trained.certificates.values()
    pooled = sum(certificate.pooled for certificate in certificates)
    promised = max(certificate.precision_at_least for certificate in certificates)
    pooling = (
        f", {pooled} of them proven together, because each has too few separate answers"
        if pooled > 1
        else ""
    )
    return (
        f"{counted(len(trained.certificates), 'label')} certified for auto{pooling}, "
        f"{trained.auto_share:.0%} of held-out incidents, right in at least {promised:.0%}"
    )


def _noise_lines(trained: TrainedTarget) -> Iterator[str]:
    noise = trained.label_noise
    if noise is None:
        return
    is_listed = noise.suspected and trained.label_noise_file
    listed = f", listed in {trained.label_noise_file}" if is_listed else ""
    verb = "looks" if noise.suspected == 1 else "look"
    yield f"{counted(noise.suspected, 'label')} {verb} mistaken{listed}"
    for suspect in trained.suspects:
        sure = f"{suspect.confidence:.2f}, {suspect.found_by}"
        yield f"  {suspect.id}: {suspect.given}, rather {suspect.suggested} ({sure})"
    if noise.ceiling is None:
        yield (
            "how many labels are mistaken is unknown: the estimate contradicts the model's "
            "accuracy, or too few labels have enough incidents"
        )
    else:
        yield (
            f"because of label noise, a model can agree with at most about {noise.ceiling:.3f} of "
            "these labels (confident joint; with more if some of the suspected labels are correct)"
        )
    if noise.copies_ceiling is not None:
        carry = "carries" if noise.disagreeing == 1 else "carry"
        yield (
            "if all near-copies in a group should have the same label, a model can be right on at "
            f"most {noise.copies_ceiling:.3f} of the {noise.copied:,} incidents with near-copies: "
            f"{counted(noise.disagreeing, 'group')} {carry} several labels"
        )

"""Prints the report of a backtest, a replay of the last days."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.formatting import interval
from training.pipeline.backtest import (
    AutoAnswer,
    AutoPrecision,
    BacktestedTarget,
    BacktestReport,
)

_SHOWN_ANSWERS = 40


def describe_backtest(report: BacktestReport) -> None:
    """Print for each target a line per certified label, and the answers, wrong answers first."""
    console = Console()
    for line in _heading(report):
        console.print(line, markup=False)
    for target in report.targets:
        if target.labels:
            console.print(_label_table(target))
        else:
            console.print(f"{target.target}: no label is certified for auto", markup=False)
        if target.answers:
            console.print(_answer_table(target.answers[:_SHOWN_ANSWERS]))
        if len(target.answers) > _SHOWN_ANSWERS:
            console.print(f"  {_hidden(target)}", markup=False)
    for name, reason in report.skipped.items():
        console.print(f"{name}: {reason}", markup=False)


def _heading(report: BacktestReport) -> list[str]:
    cut = f"{report.cut:%Y-%m-%d %H:%M}"
    return [
        f"learned from {report.past:,} incidents whose labels were known at {cut}, "
        f"then asked about the {report.recent:,} incidents of the next {report.days} days",
        f"certified in {report.split}",
        report.scope,
        *(f"warning: {warning}" for warning in report.warnings),
    ]


def _label_table(target: BacktestedTarget) -> Table:
    learned, asked = f"{target.learned_from:,}", f"{target.asked:,}"
    table = Table(
        # Plain text, because rich would read text in brackets as markup.
        title=Text(f"{target.target} ({learned} labelled incidents learned, {asked} asked)"),
        caption="precision counts near-copies once, as certificates do",
    )
    for heading in ("label", "auto", "of all", "right", "precision", "95% interval", "promised"):
        table.add_column(heading)
    for label in target.labels:
        promised = f"{label.certificate.precision_at_least:.3f}"
        pooled = " (pooled)" if label.certificate.pooled else ""
        table.add_row(Text(label.label), *_figures(label.measured, label.share), promised + pooled)
    table.add_section()
    table.add_row("all that are certified", *_figures(target.total, target.share), "")
    return table


def _figures(measured: AutoPrecision, share: float) -> tuple[str, ...]:
    precision = "" if measured.precision is None else f"{measured.precision:.3f}"
    bounds = interval(measured.low, measured.high) if measured.groups else ""
    return f"{measured.answers:,}", f"{share:.1%}", f"{measured.right:,}", precision, bounds


def _answer_table(answers: tuple[AutoAnswer, ...]) -> Table:
    table = Table(title="what auto would have answered, wrong answers first")
    headings = ("", "id", "title", "answered", "was", "confidence", "needed", "because of")
    for heading in headings:
        table.add_column(heading)
    for answer in answers:
        row = (answer.id, answer.title, answer.answered, answer.truth)
        table.add_row(
            "right" if answer.right else "WRONG",
            *(Text(part) for part in row),
            f"{answer.confidence:.3f}",
            f"{answer.threshold:.3f}",
            Text(", ".join(answer.because)),
        )
    return table


def _hidden(target: BacktestedTarget) -> str:
    wrong = sum(not answer.right for answer in target.answers[_SHOWN_ANSWERS:])
    more = len(target.answers) - _SHOWN_ANSWERS
    return f"and {more:,} more, {wrong:,} of them wrong; --json lists them all"

"""A backtest learns only what was known at the cut, and tells what auto would have done."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from factories import incident
from typer.testing import CliRunner

from features.domain.history import History, Provenance
from features.domain.report import ResolvedIncident
from features.errors import NotEnoughHistory, PrecedentError
from features.home import Home
from training.cli.app import app
from training.cli.backtest_output import describe_backtest
from training.pipeline.backtest import (
    BacktestedTarget,
    BacktestReport,
    backtest,
    measure_precision,
    parse_days,
)
from training.pipeline.train import TrainingPlan

pytestmark = pytest.mark.quality

START = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = ("graz", "linz", "wels", "steyr", "enns", "ried", "lienz", "imst", "hall", "bruck")


def numbered(day: float, number: int, label: str, *, known_after: float = 0.5) -> ResolvedIncident:
    words = {"Network": "vpn tunnel connection drops", "Printing": "printer paper jam"}
    place, other = PLACES[number % 10], PLACES[number // 10 % 10]
    title = f"{words[label]} {place} {other} room {number * 7919 % 997}"
    opened = START + timedelta(days=day)
    resolved = opened + timedelta(days=known_after)
    return incident(
        f"INC{number:04}", title, opened_at=opened, category=label, resolved_at=resolved
    )


def company(days: int = 200, *, swapped_from: int = 9999) -> History:
    """Three incidents a day; from some day on people file them under the other category."""
    other = {"Network": "Printing", "Printing": "Network"}
    incidents = []
    for number in range(3 * days):
        example = numbered(number / 3, number, ("Network", "Printing")[number % 2])
        if number / 3 >= swapped_from:
            example = replace(
                example, outcome=replace(example.outcome, category=other[example.outcome.category])
            )
        incidents.append(example)
    return History(tuple(incidents))


@pytest.fixture
def plan(home: Home) -> TrainingPlan:
    return TrainingPlan(home, "default", home.database_url, "hashing")


def ignored(_step: str, _done: int, _of: int) -> None:
    """Take no notice of progress."""


def test_what_was_easy_before_is_answered_and_right(plan: TrainingPlan) -> None:
    report = backtest(company(), plan, 40, ignored)
    (target,) = report.targets
    assert (report.days, report.past, report.recent) == (40, 478, 121)
    assert report.cut == company().incidents[-1].report.opened_at - timedelta(days=40)
    assert target.asked == 121
    assert target.share > 0.9
    assert target.total.right == target.total.answers
    assert {label.label for label in target.labels} == {"Network", "Printing"}
    assert all(label.certificate.precision_at_least == 0.92 for label in target.labels)
    assert sum(label.share for label in target.labels) == pytest.approx(target.share)
    first = target.answers[0]
    assert first.confidence >= first.threshold
    assert set(first.because) & {"vpn", "tunnel", "connection", "drops", "printer", "paper", "jam"}


def test_wrong_answers_come_first_and_nothing_later_is_learned(plan: TrainingPlan) -> None:
    history = company(swapped_from=180)
    (target,) = backtest(history, plan, 40, ignored).targets
    wrong = [answer for answer in target.answers if not answer.right]
    # Had it seen the days after the cut, it would have learned the new names.
    assert len(wrong) > 50
    assert list(target.answers[: len(wrong)]) == wrong
    assert wrong == sorted(wrong, key=lambda answer: -answer.confidence)
    for answer in wrong:
        assert answer.answered != answer.truth
    assert target.total.answers - target.total.right == len(wrong)
    assert all(label.measured.high < 0.92 for label in target.labels)


def test_labels_that_became_known_after_the_cut_are_not_learned(plan: TrainingPlan) -> None:
    history = company()
    late = tuple(
        replace(example, outcome=replace(example.outcome, resolved_at=START + timedelta(days=500)))
        if row % 3 == 0
        else example
        for row, example in enumerate(history.incidents)
    )
    unknown = tuple(
        replace(example, outcome=replace(example.outcome, resolved_at=None))
        for example in history.incidents
    )
    assert backtest(replace(history, incidents=late), plan, 40, ignored).past == 318
    assert backtest(replace(history, incidents=unknown), plan, 40, ignored).past == 479


def test_auto_that_is_withheld_is_tried_out_with_a_warning(plan: TrainingPlan) -> None:
    doubtful = replace(company(), provenance={"title": Provenance.UNKNOWN})
    report = backtest(doubtful, plan, 40, ignored)
    assert any("withheld" in warning for warning in report.warnings)
    assert report.targets[0].answers


def test_wanted_precision_and_family_are_the_plans(plan: TrainingPlan) -> None:
    strict = replace(plan, auto_precision=0.95, family=True)
    (target,) = backtest(company(), strict, 40, ignored).targets
    assert all(label.certificate.precision_at_least == 0.95 for label in target.labels)
    assert all(label.certificate.family for label in target.labels)


def test_precision_counts_near_copies_once() -> None:
    precision = measure_precision([False] + [True] * 50, [7] + [3] * 30 + list(range(100, 120)))
    assert (precision.answers, precision.right, precision.groups) == (51, 50, 22)
    assert precision.precision == pytest.approx(21 / 22)
    assert (precision.low, precision.high) == pytest.approx((0.7716, 0.9988), abs=1e-4)
    none = measure_precision([], [])
    assert (none.precision, none.low, none.high) == (None, 0, 1)


@pytest.mark.parametrize("period", ["90", "0d", "-3d", "3 months", "", "1.5d", "d", "999999d"])
def test_odd_periods_are_refused(period: str) -> None:
    with pytest.raises(PrecedentError, match="90d"):
        parse_days(period)


def test_history_must_have_times_and_a_past(plan: TrainingPlan) -> None:
    history = company(days=30)
    undated = tuple(
        replace(example, report=replace(example.report, opened_at=None))
        for example in history.incidents
    )
    with pytest.raises(NotEnoughHistory, match="opened_at"):
        backtest(replace(history, incidents=undated), plan, 10, ignored)
    with pytest.raises(NotEnoughHistory, match="only 29 days"):
        backtest(history, plan, 29, ignored)


def test_summary_names_labels_and_wrong_answers(
    plan: TrainingPlan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    report = backtest(company(swapped_from=180), plan, 40, ignored)
    describe_backtest(report)
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert "learned from 478 incidents" in shown
    assert any("Network" in line and "0.920" in line for line in lines)
    assert "WRONG" in shown
    assert "--json lists them all" in shown


def test_summary_without_certificates_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = measure_precision([], [])
    target = BacktestedTarget("category", 10, 5, 0.0, nothing, labels=(), answers=())
    report = BacktestReport(
        days=7,
        cut=START,
        past=10,
        recent=5,
        split="2 folds",
        scope="",
        targets=(target,),
        skipped={"severity": "not trained: the history has no such column"},
    )
    describe_backtest(report)
    shown = capsys.readouterr().out
    assert "no label is certified" in shown
    assert "severity: not trained" in shown


def write_csv(path: Path, history: History, *, dated: bool = True) -> Path:
    lines = ["id,title,category,opened_at,resolved_at"]
    for example in history.incidents:
        opened = example.report.opened_at.isoformat() if dated else ""
        resolved = example.outcome.resolved_at.isoformat() if dated else ""
        cells = (
            example.report.id,
            example.report.title,
            example.outcome.category,
            opened,
            resolved,
        )
        lines.append(",".join(cells))
    path.write_text("\n".join(lines))
    return path


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *(str(argument) for argument in arguments)])


@pytest.fixture
def command_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    return home


def test_command_tells_machines(command_home: Home, tmp_path: Path) -> None:
    history = write_csv(tmp_path / "h.csv", company(days=120))
    result = evaluate("--history", history, "--backtest", "30d", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["days"] == 30
    (target,) = report["targets"]
    assert {"label", "certificate", "share", "measured"} <= target["labels"][0].keys()
    assert {"id", "title", "answered", "truth", "right"} <= target["answers"][0].keys()


@pytest.mark.parametrize(
    ("period", "dated", "word"),
    [("90x", True, "90d"), ("30d", False, "opened_at"), ("900d", True, "119 days")],
)
def test_command_refuses_in_one_line(
    period: str, dated: bool, word: str, command_home: Home, tmp_path: Path
) -> None:
    history = write_csv(tmp_path / "h.csv", company(days=120), dated=dated)
    result = evaluate("--history", history, "--backtest", period)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert word in line

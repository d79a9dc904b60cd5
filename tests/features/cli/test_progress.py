"""Progress: moving on a terminal, a few plain lines elsewhere."""

import io
import sys
import time

import pytest

from features.cli import progress


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.05)
    monkeypatch.setattr(progress, "NEXT_LINE_SECONDS", 60.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_short_step_writes_nothing_to_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_step("reading"), progress.show_progress("training") as advance:
        advance("encoding", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_long_step_writes_a_plain_line_to_a_log(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.show_step("reading"):
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "reading (0 s)\n")


def test_a_long_training_writes_how_far_it_is(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.show_progress("training") as advance:
        advance("encoding", 1_000, 4_000)
        time.sleep(0.3)
    assert capsys.readouterr().err == "encoding: 1,000 of 4,000 (0 s)\n"


def test_a_log_of_json_gets_no_plain_line(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_step("loading models", only_on_terminal=True):
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_each_step_move(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, output = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("TERM", "xterm")
    with progress.show_step("reading [b]export.csv"):
        time.sleep(0.2)
    assert "reading [b]export.csv" in terminal.getvalue()
    with progress.show_progress("training") as advance:
        advance("encoding", 1_000, 4_000)
        time.sleep(0.2)
    assert "training" in terminal.getvalue()
    assert "1,000 of 4,000" in terminal.getvalue()
    assert output.getvalue() == ""

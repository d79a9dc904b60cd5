"""Commands in a folder without a home: they say where they looked, and create nothing."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from training.cli.app import app

READING = [
    ("audit",),
    ("gaps",),
    ("maintain",),
    ("mode", "monitor"),
    ("mode", "auto", "--target", "category"),
    ("modes",),
    ("monitor",),
    ("promote", "category"),
    ("retrain",),
    ("retrain", "--if-due"),
    ("rollback", "category"),
]
COMMANDS = [command.name for command in app.registered_commands]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRECEDENT_HOME", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_creates_nothing_and_says_where_it_looked(
    command: tuple[str, ...], folder: Path
) -> None:
    result = run(*command)
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: no home at {folder / '.precedent'}: train first with precedent train, "
        "or set PRECEDENT_HOME\n"
    )
    assert list(folder.iterdir()) == []


def test_an_empty_folder_is_no_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(folder))
    assert f"no home at {folder}:" in run("audit").stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_creates_nothing(command: str, folder: Path) -> None:
    assert run(command, "--help").exit_code == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_command_without_a_file_creates_nothing(command: str, folder: Path) -> None:
    result = run(command)
    assert result.exit_code == 2
    assert "give --history FILE" in result.stderr
    assert list(folder.iterdir()) == []

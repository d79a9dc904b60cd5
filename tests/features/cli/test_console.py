"""The program `precedent`: what its help costs, and what it says when something is missing."""

import os
import resource
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from features.cli.command_errors import one_line_errors
from features.cli.console import GROUP, console

COMMANDS = sorted(entry.name for entry in entry_points(group=GROUP))
# A machine that also runs other tests takes longer than an idle one, which needs a quarter of it.
CPU_SECONDS = 1.0
HEAVY = (
    *("alembic", "fastapi", "mlflow", "numba", "numpy", "pandas", "pydantic_settings", "rich"),
    *("scipy", "sentence_transformers", "sklearn", "sqlalchemy", "torch", "uvicorn"),
)
HELP_OF_ALL = f"""
import sys
from importlib.metadata import entry_points
from typer.testing import CliRunner
from features.cli.console import GROUP, console
from serving.__main__ import cli
from training.cli.app import app

program = console(entry_points(group=GROUP))
assert CliRunner().invoke(cli, ["--help"]).exit_code == 0
assert CliRunner().invoke(cli, ["watch", "--help"]).exit_code == 0
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
for command in ([], *([entry.name] for entry in entry_points(group=GROUP))):
    assert CliRunner().invoke(program, [*command, "--help"]).exit_code == 0
print(sorted(set(sys.modules) & {set(HEAVY)}))
"""
WITHOUT_MODELS = f"""
import sys
from typer.testing import CliRunner
from training.cli.app import app

for line in ("mode monitor", "modes", "audit", "audit --json"):
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
assert CliRunner().invoke(app, ["mode", "auto", "--target", "category"]).exit_code == 2
print(sorted(set(sys.modules) & {set(HEAVY)}))
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(console(entry_points(group=GROUP)), arguments)


def cpu_seconds(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_commands_that_need_no_model_import_no_library_of_models(
    tmp_path: Path, empty_store: Path, empty_registry: Path
) -> None:
    """The settings and the database remain, which take about a second of CPU together."""
    shutil.copy(empty_store, tmp_path / "precedent.db")
    shutil.copy(empty_registry, tmp_path / "mlflow.db")
    environment = os.environ | {"PRECEDENT_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_MODELS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "['pydantic_settings', 'sqlalchemy']\n"


def test_every_command_is_found() -> None:
    assert set(COMMANDS) >= {
        *("audit", "demo", "evaluate", "gaps", "mode", "modes", "monitor", "promote"),
        *("retrain", "rollback", "serve", "train", "watch"),
    }
    listed = run("--help").stdout
    assert [command for command in COMMANDS if f"\n  {command} " not in listed] == []


def test_help_of_every_command_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", HELP_OF_ALL]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "from features.cli.console import main; main()", "--help"),
        ("-m", "training", "train", "--help"),
        ("-m", "serving", "--help"),
    ],
)
def test_help_is_quick(command: tuple[str, ...]) -> None:
    assert cpu_seconds(*command) < CPU_SECONDS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_does_in_one_line(command: str) -> None:
    (line,) = [
        line for line in run("--help").stdout.splitlines() if line.startswith(f"  {command} ")
    ]
    assert not line.endswith("...")


def test_a_command_that_cannot_be_imported_leaves_the_others() -> None:
    entries = [
        EntryPoint("audit", "training.cli.audit:audit_command", GROUP),
        EntryPoint("forecast", "serving.cli.no_such_module:forecast_command", GROUP),
        EntryPoint("sing", "library_that_is_missing:sing_command", GROUP),
    ]
    program = console(entries)
    listed = CliRunner().invoke(program, ["--help"])
    assert listed.exit_code == 0
    assert "audit" in listed.stdout
    for name, reason in (("forecast", "no_such_module"), ("sing", "library_that_is_missing")):
        result = CliRunner().invoke(program, [name, "--loud", "now"])
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: this command cannot be imported: ")
        assert reason in line


def invoke(command) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(one_line_errors(command))
    return CliRunner().invoke(app, [])


def test_a_missing_extra_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith(("uvicorn", "serving."))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("serve")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: the library uvicorn is missing; run: pip install 'precedent[serving]'\n"
    )


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    def divide() -> None:
        raise ZeroDivisionError

    assert isinstance(invoke(divide).exception, ZeroDivisionError)


def test_ctrl_c_ends_with_one_line() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    result = invoke(interrupt)
    assert (result.exit_code, result.stderr) == (130, "stopped\n")

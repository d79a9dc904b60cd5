"""The commands of training; every error that a user can mend is one line and exit code 2."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from features.errors import PrecedentError
from features.unknown_settings import warn_of_unknown_settings
from training.cli.audit import audit_command
from training.cli.demo import demo_command
from training.cli.evaluate import evaluate_command
from training.cli.gaps import gaps_command
from training.cli.modes import mode_command, modes_command
from training.cli.monitor import monitor_command
from training.cli.promote import promote_command, rollback_command
from training.cli.retrain import retrain_command
from training.cli.train import train_command

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that the user can mend into one line and exit code 2.

    Variables that look like settings and are none are warned of first.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        warn_of_unknown_settings()
        try:
            return command(*args, **kwargs)
        except (PrecedentError, ValidationError, SettingsError, OSError) as error:
            typer.echo(f"error: {_one_line(error)}", err=True)
            raise typer.Exit(2) from error

    return guarded


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())


app.command("train")(one_line_errors(train_command))
app.command("evaluate")(one_line_errors(evaluate_command))
app.command("promote")(one_line_errors(promote_command))
app.command("rollback")(one_line_errors(rollback_command))
app.command("audit")(one_line_errors(audit_command))
app.command("mode")(one_line_errors(mode_command))
app.command("modes")(one_line_errors(modes_command))
app.command("gaps")(one_line_errors(gaps_command))
app.command("monitor")(one_line_errors(monitor_command))
app.command("retrain")(one_line_errors(retrain_command))
app.command("demo")(one_line_errors(demo_command))

"""Turns an error that a user can correct into one line and exit code 2."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from features.errors import PrecedentError
from features.formatting import one_line
from features.unknown_settings import warn_of_unknown_settings

REFUSED = 2
"""The exit code of a command that failed with an error that a user can correct."""
INTERRUPTED = 130
"""The exit code of a command that was stopped by Ctrl-C."""

_PRODUCT = frozenset({"features", "models", "training", "serving"})

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: an error that a user can correct prints one line and sets exit code 2.

    The command first warns of unknown `PRECEDENT_...` variables. Ctrl-C ends it with one line and
    exit code 130, also during its imports. Errors of the program itself keep their traceback.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        warn_of_unknown_settings()
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            line = describe_error(error, command.__module__)
            if line is None:
                raise
            typer.echo(f"error: {line}", err=True)
            raise typer.Exit(REFUSED) from error

    return guarded


def describe_error(error: Exception, module: str) -> str | None:
    """Return one line about an error that a user can correct, None for an error of the program.

    None also for a closed pipe. `module` is the command's module; its package determines the extra
    that installs a missing library.

    >>> describe_error(ModuleNotFoundError("no", name="uvicorn"), "serving.cli.serve")
    "the library uvicorn is missing; run: pip install 'precedent[serving]'"
    >>> describe_error(ZeroDivisionError(), "serving.cli.serve") is None
    True
    """
    if isinstance(error, ModuleNotFoundError):
        return _missing_library(error, module)
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, PrecedentError | OSError):
        return one_line(str(error))
    return _wrong_setting(error)


def _missing_library(error: ModuleNotFoundError, module: str) -> str | None:
    library = (error.name or "").partition(".")[0]
    package = module.partition(".")[0]
    if not library or library in _PRODUCT:
        return None
    extra = f"[{package}]" if package in {"training", "serving"} else ""
    return f"the library {library} is missing; run: pip install 'precedent{extra}'"


def _wrong_setting(error: Exception) -> str | None:
    # Imported here because they take longer to import than all else that `--help` needs.
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    if isinstance(error, SettingsError):
        return one_line(str(error))
    if not isinstance(error, ValidationError):
        return None
    first = error.errors()[0]
    setting = "".join(f"PRECEDENT_{part}: ".upper() for part in first["loc"])
    return setting + first["msg"].removeprefix("Value error, ")

"""The program `precedent`, whose commands are the entry points of one group."""

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points

import typer

from features.cli.command_errors import INTERRUPTED, REFUSED, describe_error, one_line_errors
from features.cli.linear_algebra import multiply_on_one_thread

GROUP = "precedent.commands"
"""The group of entry points. Each entry point has the name of its command and refers to a function
with Typer's annotations. Heavy libraries are imported inside that function, not by its module.
"""


def main() -> None:
    """Run the command that the arguments of the process name."""
    # Ctrl-C may also be pressed while the modules of the commands are imported.
    try:
        console(entry_points(group=GROUP))()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)


def console(commands: Iterable[EntryPoint]) -> typer.Typer:
    """Return the program with these commands; a command that cannot be imported fails when run.

    >>> audit = EntryPoint("audit", "training.cli.audit:audit_command", GROUP)
    >>> [command.name for command in console([audit]).registered_commands]
    ['audit']
    """
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Plain help is printed faster.
        rich_markup_mode=None,
    )

    @app.callback()
    def precedent() -> None:
        """Incident triage that learns from an organisation's own history."""
        multiply_on_one_thread()

    for entry in sorted(commands, key=lambda entry: entry.name):
        _add(app, entry)
    return app


def _add(app: typer.Typer, entry: EntryPoint) -> None:
    try:
        app.command(entry.name)(one_line_errors(entry.load()))
    # Whatever an import raises, the other commands must work.
    except Exception as error:
        takes_anything = {"ignore_unknown_options": True, "allow_extra_args": True}
        reason = describe_error(error, entry.value) or f"{type(error).__name__}: {error}"
        command = app.command(
            entry.name, help=f"Not available: {reason}", context_settings=takes_anything
        )
        command(_unavailable(reason))


def _unavailable(reason: str) -> Callable[[], None]:
    def command() -> None:
        typer.echo(f"error: this command cannot be imported: {reason}", err=True)
        raise typer.Exit(REFUSED)

    return command

"""`python -m serving` and `python -m serving watch`: as `precedent serve`, `precedent watch`."""

import sys

import typer

from features.cli.command_errors import INTERRUPTED, REFUSED, one_line_errors
from features.cli.linear_algebra import multiply_on_one_thread
from serving.cli.serve import Host, Port, Workers, serve_command
from serving.cli.watch import watch_command

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@cli.callback(invoke_without_command=True)
def serve(
    context: typer.Context, host: Host = None, port: Port = None, workers: Workers = None
) -> None:
    """Answer over HTTP until stopped.

    Options that are not given are read from the PRECEDENT_ settings.
    """
    multiply_on_one_thread()
    if context.invoked_subcommand is None:
        one_line_errors(serve_command)(host, port, workers)
    elif (host, port, workers) != (None, None, None):
        typer.echo(
            "error: --host, --port and --workers come without a command; leave them out", err=True
        )
        raise typer.Exit(REFUSED)


cli.command("watch")(one_line_errors(watch_command))


if __name__ == "__main__":
    try:
        cli()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

"""`python -m serving`: starts the service, or says in one line why it cannot."""

import socket
import threading
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from features.home import open_home
from serving.runtime.json_logging import logging_config
from serving.runtime.metrics import share_between_workers
from serving.runtime.settings import ServingSettings
from serving.startup import announce, open_state, read_settings, refuse
from serving.watch.cli import watch

_BACKLOG = 2_048
_GRACE_SECONDS = 30

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.")] = None,
) -> None:
    """Answer over HTTP until stopped; what is not given comes from PRECEDENT_... or defaults."""
    if context.invoked_subcommand is not None:
        if (host, port, workers) != (None, None, None):
            refuse("--host, --port and --workers come without a command; leave them out")
        return
    settings = read_settings(host=host, port=port, workers=workers)
    open_state(settings).close()
    listener = _listen(settings)
    bound = listener.getsockname()
    threading.Thread(target=announce, args=(bound[0], bound[1], settings), daemon=True).start()
    with suppress(KeyboardInterrupt):
        _run(settings, listener)


cli.command("watch")(watch)


def _listen(settings: ServingSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host or None, settings.port)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        refuse(
            f"cannot listen on {settings.host} port {settings.port} ({reason}); "
            "stop what uses it, or choose another with --port"
        )


def _run(settings: ServingSettings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        "serving.app:app_from_environment",
        factory=True,
        workers=settings.workers,
        log_config=logging_config(settings.log_level),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run(sockets=[listener])
        return
    with share_between_workers(open_home(settings)):
        Multiprocess(config, sockets=[listener]).run()


if __name__ == "__main__":
    cli()

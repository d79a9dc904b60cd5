"""`python -m serving`: starts the service, or says in one line why it cannot."""

import os
import socket
import sys
import threading
from contextlib import suppress
from typing import Annotated, NoReturn

import typer
import uvicorn
from pydantic import ValidationError
from uvicorn.supervisors import Multiprocess

from features.errors import PrecedentError
from features.history.store import open_store
from features.home import open_home
from serving.announcement import announce
from serving.logs import logging_config
from serving.metrics import share_between_workers
from serving.settings import ServingSettings

_BACKLOG = 2_048
_GRACE_SECONDS = 30

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.")] = None,
) -> None:
    """Answer over HTTP until stopped; what is not given comes from PRECEDENT_... or defaults."""
    settings = _settings(host=host, port=port, workers=workers)
    _check_state(settings)
    listener = _listen(settings)
    bound = listener.getsockname()
    threading.Thread(target=announce, args=(bound[0], bound[1], settings), daemon=True).start()
    with suppress(KeyboardInterrupt):
        _run(settings, listener)


def _settings(**given: str | int | None) -> ServingSettings:
    # Workers read the same settings from the environment that they inherit.
    os.environ.update(
        {
            f"PRECEDENT_{name.upper()}": str(value)
            for name, value in given.items()
            if value is not None
        }
    )
    try:
        return ServingSettings()
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"PRECEDENT_{part}: ".upper() for part in first["loc"])
        _refuse(where + first["msg"].removeprefix("Value error, "))


def _check_state(settings: ServingSettings) -> None:
    try:
        home = open_home(settings)
        open_store(settings.database_url or home.database_url, settings.tenant).close()
    except PrecedentError as error:
        _refuse(str(error))


def _listen(settings: ServingSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host or None, settings.port)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        _refuse(
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


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"error: {reason}\n")
    raise typer.Exit(2)


if __name__ == "__main__":
    cli()

"""The `serve` command, which answers over HTTP."""

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Annotated

import typer

from features.cli.modules import modules_stay
from features.cli.progress import show_step

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")]
Workers = Annotated[int | None, typer.Option(help="Processes that answer.")]


def serve_command(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Answer over HTTP until stopped.

    Options that are not given are read from the PRECEDENT_ settings.
    """
    # The server calls this handler when its last request is answered; before it runs, at once.
    signal.signal(signal.SIGTERM, _exit)
    with show_step("starting", only_on_terminal=True), modules_stay():
        from serving.startup import open_state, read_settings
        from serving.web_server import listen, serve

        settings = read_settings(host=host, port=port, workers=workers)
        open_state(settings).close()
        listener = listen(settings)
        if settings.workers == 1:  # more are processes of their own
            import_module("serving.app")
    serve(settings, listener)


def _exit(_number: int, _frame: FrameType | None) -> None:
    # A background thread may still compute in a library that aborts when the interpreter ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)

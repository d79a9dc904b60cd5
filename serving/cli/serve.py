"""The `serve` command, which answers over HTTP."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Annotated

import typer

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
    with show_step("starting", only_on_terminal=True), _objects_that_stay():
        from serving.startup import open_state, read_settings
        from serving.web_server import listen, serve

        settings = read_settings(host=host, port=port, workers=workers)
        open_state(settings).close()
        listener = listen(settings)
        if settings.workers == 1:  # more are processes of their own
            import_module("serving.app")
    serve(settings, listener)


@contextmanager
def _objects_that_stay() -> Iterator[None]:
    """Exempt what the block makes from garbage collection.

    Modules stay until the process ends. To search their 170,000 objects for garbage again and again
    would take a sixth of the time of a start, and later delay requests.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _exit(_number: int, _frame: FrameType | None) -> None:
    # A background thread may still compute in a library that aborts when the interpreter ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)

"""Shows progress on standard error: animated on a terminal, otherwise as lines of text."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

FIRST_LINE_SECONDS = 10.0
"""Seconds before the first line of text, if standard error is not a terminal."""
NEXT_LINE_SECONDS = 60.0
"""Seconds between two lines of text, if standard error is not a terminal."""


@contextmanager
def show_step(text: str, *, only_on_terminal: bool = False) -> Iterator[None]:
    """Show that a step is under way while the block runs.

    With `only_on_terminal`, nothing is written if standard error is not a terminal; commands whose
    log is JSON need this. The block must not print to standard output: on a terminal, that output
    would go to standard error.
    """
    if not _is_terminal():
        with nullcontext() if only_on_terminal else _written_lines(lambda: text):
            yield
        return
    # Imported here because most commands do not need it.
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(text)):
        yield


@contextmanager
def show_progress(text: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to call with a step's name, the number of units done and their total.

    `text` names the whole task. On a terminal the task has a bar of its own, above those of its
    steps. Elsewhere `text` is written until the first call, then the latest step.
    """
    if _is_terminal():
        with _bars(text) as advance:
            yield advance
        return
    latest = [text]

    def remember(step: str, done: int, of: int) -> None:
        latest[:] = [f"{step}: {done:,} of {of:,}"]

    with _written_lines(lambda: latest[0]):
        yield remember


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _bars(text: str) -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:10}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
    # A bar without a total is animated all the time, also between two steps.
    bars.add_task(text, total=None, count="")
    tasks: dict[str, TaskID] = {}

    def advance(step: str, done: int, of: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=of, count="")
        bars.update(tasks[step], completed=done, total=of, count=f"{done:,} of {of:,}")

    with bars:
        yield advance


@contextmanager
def _written_lines(describe: Callable[[], str]) -> Iterator[None]:
    ended = Event()
    writer = Thread(target=_write_lines, args=(describe, ended), daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _write_lines(describe: Callable[[], str], ended: Event) -> None:
    started, wait = time.monotonic(), FIRST_LINE_SECONDS
    while not ended.wait(wait):
        sys.stderr.write(f"{describe()} ({time.monotonic() - started:.0f} s)\n")
        sys.stderr.flush()
        wait = NEXT_LINE_SECONDS

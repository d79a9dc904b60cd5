"""Clients that are slow, silent or far too many."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from threading import Event, Thread

from .world import Outcome, Trial, World, answers
from .writers import Connection

_SLOW, _SILENT, _DESCRIPTORS = 40, 400, 300
_OVERLOADING = 60
_MOST_HEALTH_SECONDS = 2.0
_HEAD = b"POST /v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n"


def slow_clients(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Keep others writing while clients send a byte a second, or nothing at all.

    The server may open fewer descriptors than there are silent clients.
    """
    limit = ("prlimit", f"--nofile={_DESCRIPTORS}:{_DESCRIPTORS}")
    with world.serving(wrapper=limit) as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with _slow_and_silent(service.port):
                with trial.writers.writing():
                    trial.pause(2.0, 4.0)
                trial.expect_writes()
            if not service.is_running:
                outcome.failures.append("the server ended under slow clients")
                service.start()
            outcome.rounds += 1
        trial.expect_writes()
        trial.settle(world.database_url)


def overload(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Ask for far more triages than can be answered, while others write."""
    slowest = 0.0
    with world.serving() as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with _asking(service.port), trial.writers.writing():
                for _ in range(5):
                    trial.pause(0.3, 0.9)
                    began = time.monotonic()
                    if not answers(service):
                        outcome.failures.append("/health/live does not answer under overload")
                    slowest = max(slowest, time.monotonic() - began)
            trial.expect_writes()
            outcome.rounds += 1
        trial.settle(world.database_url)
    outcome.remark = f"/health/live within {1000 * slowest:.0f} ms"
    if slowest > _MOST_HEALTH_SECONDS:
        outcome.failures.append(f"/health/live took {slowest:.1f} s under overload")


@contextmanager
def _slow_and_silent(port: int) -> Iterator[None]:
    ended = Event()
    sockets: list[socket.socket] = []
    for _ in range(_SLOW + _SILENT):
        with suppress(OSError):
            sockets.append(socket.create_connection(("127.0.0.1", port), timeout=1))
    sender = Thread(target=_send_slowly, args=(sockets[:_SLOW], ended), daemon=True)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()
        for opened in sockets:
            opened.close()


def _send_slowly(sockets: list[socket.socket], ended: Event) -> None:
    for opened in sockets:
        with suppress(OSError):
            opened.sendall(_HEAD)
    while not ended.wait(1):
        for opened in sockets:
            with suppress(OSError):
                opened.sendall(b"{")


@contextmanager
def _asking(port: int) -> Iterator[None]:
    ended = Event()

    def ask_on() -> None:
        connection = Connection(port)
        while not ended.is_set():
            connection.post("/v1/triage", {"incident": {"title": f"disk {time.time_ns()}"}}, {})
        connection.close()

    askers = [Thread(target=ask_on, daemon=True) for _ in range(_OVERLOADING)]
    for asker in askers:
        asker.start()
    try:
        yield
    finally:
        ended.set()
        for asker in askers:
            asker.join()

"""Runs the service: listens on an address, starts workers, and prints when it is ready."""

import json
import socket
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from features.home import open_home
from serving.runtime.connections import ConnectionLimits, LimitedConfig, raise_descriptor_limit
from serving.runtime.errors import CannotListen
from serving.runtime.json_logging import logging_config
from serving.runtime.metrics import share_between_workers
from serving.runtime.settings import ServingSettings

_BACKLOG = 2_048
_GRACE_SECONDS = 30
_SECONDS_BETWEEN_CHECKS = 0.2
_TIMEOUT_SECONDS = 10

_EXAMPLE = {"incident": {"title": "VPN drops every few minutes", "service": "vpn"}}


def listen(settings: ServingSettings) -> socket.socket:
    """Return a socket that listens on the address of the settings; raises `CannotListen`."""
    try:
        family = socket.getaddrinfo(settings.host or None, settings.port)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise CannotListen(
            f"cannot listen on {settings.host} port {settings.port} ({reason}); "
            "stop the program that uses the port, or choose another port with --port"
        ) from error


def serve(settings: ServingSettings, listener: socket.socket) -> None:
    """Answer requests until a signal stops the process."""
    host, port = listener.getsockname()[:2]
    stopped = threading.Event()
    announcer = threading.Thread(
        target=_announce, args=(host, port, settings, stopped), daemon=True
    )
    announcer.start()
    try:
        with suppress(KeyboardInterrupt):
            _run(settings, listener)
    finally:
        stopped.set()
        announcer.join(timeout=1)


def announcement(url: str, *, needs_key: bool) -> str:
    """Return a text with the address and a command to try; the key itself is not in it.

    >>> print(announcement("http://127.0.0.1:8000", needs_key=False).splitlines()[0])
    Precedent answers at http://127.0.0.1:8000 (docs: http://127.0.0.1:8000/docs). Try:
    """
    key = '-H "Authorization: Bearer $PRECEDENT_API_KEY" ' if needs_key else ""
    return (
        f"Precedent answers at {url} (docs: {url}/docs). Try:\n"
        f"curl -s {url}/v1/triage {key}-H 'Content-Type: application/json' "
        f"-d '{json.dumps(_EXAMPLE)}'"
    )


def _run(settings: ServingSettings, listener: socket.socket) -> None:
    raise_descriptor_limit()
    config = LimitedConfig(
        "serving.app:app_from_environment",
        ConnectionLimits.of(settings),
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


def _announce(host: str, port: int, settings: ServingSettings, stopped: threading.Event) -> None:
    """Wait until the service is ready, and print its address with a command to try."""
    address = _reachable(host)
    if sys.stderr.isatty():
        # Not animated, because the workers write their log to standard error meanwhile.
        typer.echo("loading models", err=True)
    while not _is_ready(address, port):
        if stopped.wait(_SECONDS_BETWEEN_CHECKS):
            return
    url_host = f"[{address}]" if ":" in address else address
    typer.echo(announcement(f"http://{url_host}:{port}", needs_key=settings.api_key is not None))


def _reachable(host: str) -> str:
    address = ip_address(host)
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()

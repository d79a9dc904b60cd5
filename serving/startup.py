"""What commands of the service do first: read settings, open the state or refuse; say where."""

import json
import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import NoReturn

import typer
from pydantic import ValidationError

from features.errors import PrecedentError
from features.home import open_home
from features.store.store import Store, open_store
from features.unknown_settings import warn_of_unknown_settings
from serving.background.topology_file import TopologyFile
from serving.runtime.settings import ServingSettings

_SECONDS_BETWEEN_LOOKS = 0.2
_TIMEOUT_SECONDS = 10

_EXAMPLE = {"incident": {"title": "VPN drops every few minutes", "service": "vpn"}}


def read_settings(**given: str | int | None) -> ServingSettings:
    """Return the settings, those given put before the environment; refuses wrong ones by name.

    Variables that look like settings and are none are warned of.
    """
    warn_of_unknown_settings()
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
        refuse(where + first["msg"].removeprefix("Value error, "))


def open_state(settings: ServingSettings) -> Store:
    """Return the store, after making the home; refuses what cannot be used."""
    try:
        home = open_home(settings)
        TopologyFile(settings.topology, home.topology)
        return open_store(settings.database_url or home.database_url, settings.tenant)
    except PrecedentError as error:
        refuse(str(error))


def refuse(reason: str) -> NoReturn:
    """End the command with exit code 2 and one line that tells what to mend."""
    sys.stderr.write(f"error: {reason}\n")
    raise typer.Exit(2)


def announce(host: str, port: int, settings: ServingSettings) -> None:
    """Wait until the service is ready and print its address with a command to try."""
    reachable = _reachable(host)
    while not _is_ready(reachable, port):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    shown = f"[{reachable}]" if ":" in reachable else reachable
    typer.echo(announcement(f"http://{shown}:{port}", needs_key=settings.api_key is not None))


def announcement(url: str, *, needs_key: bool) -> str:
    """Return the address and the command; the key itself is never shown."""
    key = '-H "Authorization: Bearer $PRECEDENT_API_KEY" ' if needs_key else ""
    return (
        f"Precedent answers at {url} (docs: {url}/docs). Try:\n"
        f"curl -s {url}/v1/triage {key}-H 'Content-Type: application/json' "
        f"-d '{json.dumps(_EXAMPLE)}'"
    )


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

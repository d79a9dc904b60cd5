"""Tells on standard output where the service answers, once it does."""

import json
import time
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

import typer

from serving.runtime.settings import ServingSettings

_SECONDS_BETWEEN_LOOKS = 0.2
_TIMEOUT_SECONDS = 10

_EXAMPLE = {"incident": {"title": "VPN drops every few minutes", "service": "vpn"}}


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

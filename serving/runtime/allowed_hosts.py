"""The host names under which the service answers, so that no page reaches it under another name."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s]+)(:\d{0,5})?")
_ANY = "*"
_SUBDOMAINS = "*."
_LOOPBACK_NAMES = ("localhost", "*.localhost")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Accepts hosts by their names, such as `precedent.example` or `*.example`, without a port.

    Loopback names and addresses are always accepted, and the address that the service listens on.
    A service that listens on all addresses accepts every address: a page that rebinds its name to
    the service's address sends the name.

    >>> hosts = AllowedHosts.of("precedent.example", listening_on="127.0.0.1")
    >>> hosts.accept("precedent.example:8000"), hosts.accept("evil.example")
    (True, False)
    """

    names: frozenset[str]
    accepts_any_address: bool

    @classmethod
    def of(cls, names: str, listening_on: str) -> "AllowedHosts":
        """Return the hosts of a list that is separated by commas; `*` accepts all."""
        listed = {_clean(name) for name in names.split(",") if name.strip()}
        address = _clean(listening_on)
        is_everywhere = not address or _is_unspecified(address)
        return cls(
            frozenset({*listed, address, *_LOOPBACK_NAMES} - {""}),
            is_everywhere,
        )

    def accept(self, header: str) -> bool:
        """Return whether a `Host` header, or the host and port of an origin, is accepted."""
        return _ANY in self.names or self.accept_by_name(header)

    def accept_by_name(self, header: str) -> bool:
        """Return whether a host is accepted by its own name or address, not because of `*`."""
        match = _HOST.fullmatch(header.strip())
        if match is None:
            return False
        host = _clean(match[1])
        try:
            address = ip_address(host)
        except ValueError:
            return host in self.names or any(
                name.startswith(_SUBDOMAINS) and host.endswith(name[1:]) for name in self.names
            )
        return self.accepts_any_address or address.is_loopback or str(address) in self.names


def _clean(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").casefold()


def _is_unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False

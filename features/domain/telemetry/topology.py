"""Which service depends on which, to find faults and changes in neighbouring services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


def service_key(name: str) -> str:
    """Return a service's name in the form in which names are compared: casefolded and stripped.

    >>> service_key(" Checkout ")
    'checkout'
    """
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbour of a service: its key, the relation in words, and whether the service uses it."""

    key: str
    relation: str
    is_used: bool


class Topology:
    """The services, what each depends on, and the aliases of each.

    >>> shop = Topology({"Checkout": ["payments"]}, {"payments": ["pay"]})
    >>> shop.neighbours("checkout")
    (Neighbour(key='payments', relation='Checkout depends on payments', is_used=True),)
    >>> shop.neighbours("PAY")
    (Neighbour(key='checkout', relation='Checkout depends on payments', is_used=False),)
    """

    def __init__(
        self,
        depends_on: Mapping[str, Iterable[str]] | None = None,
        aliases: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._keys: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        for service, names in (aliases or {}).items():
            for name in names:
                self._keys[service_key(name)] = service_key(service)
                self._names.setdefault(service_key(service), set()).add(service_key(name))
        self._neighbours: dict[str, dict[str, Neighbour]] = {}
        edges = [
            (user, used)
            for user, dependencies in (depends_on or {}).items()
            for used in dependencies
        ]
        for user, used in edges:
            self._link(user, used, is_used=True)
        for user, used in edges:
            self._link(user, used, is_used=False)

    def key(self, service: str) -> str:
        """Return the key that all names of a service share."""
        key = service_key(service)
        return self._keys.get(key, key)

    def names(self, key: str) -> frozenset[str]:
        """Return all names of the service with a key, in the form in which names are compared."""
        return frozenset((key, *self._names.get(key, ())))

    def neighbours(self, service: str) -> tuple[Neighbour, ...]:
        """Return the neighbours of a service: those that it uses, then those that use it.

        A neighbour with both relations is listed once, among those that the service uses.
        """
        return tuple(self._neighbours.get(self.key(service), {}).values())

    def _link(self, user: str, used: str, *, is_used: bool) -> None:
        service, neighbour_key = self.key(user), self.key(used)
        if not is_used:
            service, neighbour_key = neighbour_key, service
        if service != neighbour_key:
            neighbour = Neighbour(neighbour_key, f"{user} depends on {used}", is_used)
            self._neighbours.setdefault(service, {}).setdefault(neighbour_key, neighbour)


NO_TOPOLOGY = Topology()
"""The topology when no file states one: no service has neighbours."""

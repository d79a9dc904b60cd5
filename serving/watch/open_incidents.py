"""The times in which incidents were open on services, during which moves are not learned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from features.domain.opening import OpenTime
from features.domain.telemetry.topology import service_key
from features.store.incidents.openings import OpeningRepository
from features.timeseries.time_grid import Times
from models.timeseries.confirmed_trouble import Trouble

# An incident that is open for longer is more likely a forgotten ticket, which would keep its
# service's series from ever learning what is usual now.
_LONGEST = timedelta(days=7)


class OpenIncidents:
    """When incidents were open, by service; names are compared as those of changes are.

    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> incidents = OpenIncidents([OpenTime(("Checkout",), nine, nine + timedelta(hours=1))])
    >>> incidents.by_row([None, "checkout", "cart"])
    {1: ((1772442000.0, 1772445600.0),)}
    """

    def __init__(self, open_times: Iterable[OpenTime] = ()) -> None:
        found: dict[str, set[tuple[float, float]]] = defaultdict(set)
        for open_time in open_times:
            period = open_time.opened_at.timestamp(), open_time.until.timestamp()
            for service in open_time.services:
                found[service_key(service)].add(period)
        self._periods: dict[str, Trouble] = {
            service: tuple(sorted(periods)) for service, periods in found.items()
        }

    def by_row(self, services: Sequence[str | None]) -> dict[int, Trouble]:
        """Return the times of incidents by the number of their service in a sequence."""
        if not self._periods:
            return {}
        return {
            row: self._periods[service_key(service)]
            for row, service in enumerate(services)
            if service is not None and service_key(service) in self._periods
        }


def read_open_incidents(openings: OpeningRepository, chunks: Iterable[Times]) -> OpenIncidents:
    """Read the incidents that were open at the times of some chunks; it is one query.

    Raises `StoreUnavailable`.
    """
    bounds = [(int(times[0]), int(times[-1])) for times in chunks]
    if not bounds:
        return OpenIncidents()
    first, last = min(first for first, _ in bounds), max(last for _, last in bounds)
    start, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
    return OpenIncidents(openings.open_times(start, end, at_most=_LONGEST))

"""The opening of an incident, and how long it was open: few facts, of many incidents."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """When an incident opened, and what says of which kind it is.

    `opened_at` is aware UTC. `category` is the stated one, or else the predicted one.

    >>> from datetime import UTC
    >>> Opening("INC1", datetime(2026, 3, 2, 9, tzinfo=UTC), title="VPN down").service is None
    True
    """

    id: str
    opened_at: datetime
    title: str = ""
    service: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTime:
    """From when until when an incident was open on some services.

    Times are aware UTC; `until` lies in the future while the incident is open. Services are named
    as the incident names them.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> OpenTime(("checkout",), nine, nine.replace(hour=10)).services
    ('checkout',)
    """

    services: tuple[str, ...]
    opened_at: datetime
    until: datetime

"""The opening of an incident: the few facts by which surges are found."""

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

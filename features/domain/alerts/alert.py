"""An alert of an incident, as its sender last reported it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

OTHER_SERVICES = "other_services"
"""The attribute of an incident that lists the services of further alerts, split by commas."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a group that became an incident.

    `fingerprint` identifies the alert within its incident. `began_at` and `ended_at` are the
    sender's times; `ended_at` is None while the alert fires. `first_seen_at` and `last_seen_at` are
    the times at which deliveries with the alert arrived. `number` counts the incident's alerts in
    the order in which they joined it.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> Alert("c6ea", {"alertname": "Down"}, first_seen_at=noon, last_seen_at=noon).is_firing
    True
    """

    fingerprint: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    is_firing: bool = True
    began_at: datetime | None = None
    ended_at: datetime | None = None
    generator_url: str = ""
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    number: int = 0


def listed_services(text: str) -> tuple[str, ...]:
    """Return the services that a value of `OTHER_SERVICES` lists.

    >>> listed_services("cart, payments")
    ('cart', 'payments')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())

"""A change to a service: a deployment, a setting, a migration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed, where and when; its texts are masked like those of a report.

    `at` is aware UTC, `kind` is one word such as `deploy`. `attributes` holds further facts, keyed
    by the sender's names for them.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> Change("c1", "checkout", noon, "deploy", "checkout 4.2").url is None
    True
    """

    id: str
    service: str | None
    at: datetime
    kind: str
    summary: str
    url: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

"""The keys of series and anomalies, which stay the same over restarts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self

_LONGEST = 500


def series_name(name: str, labels: Mapping[str, str]) -> str:
    """Return the name of a series as PromQL writes it.

    >>> series_name("errors", {"service": "checkout"})
    'errors{service="checkout"}'
    """
    if not labels:
        return name
    # JSON escapes quotes and backslashes as PromQL does.
    pairs = (f"{label}={json.dumps(labels[label], ensure_ascii=False)}" for label in sorted(labels))
    return f"{name}{{{','.join(pairs)}}}"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """A series of the watch: its group, the name of its query, and its labels as PromQL selector.

    >>> key = SeriesKey.of("shop", "errors", {"service": "checkout"})
    >>> str(key), key.query
    ('shop/errors{service="checkout"}', 'shop/errors')
    >>> SeriesKey.parse(str(key)) == key
    True
    """

    group: str
    name: str
    selector: str = ""

    @classmethod
    def of(cls, group: str, name: str, labels: Mapping[str, str]) -> Self:
        """Return the key of a series; if it is too long, a digest replaces the labels."""
        full_name = series_name(name, labels)
        if len(full_name) > _LONGEST:
            return cls(group, name, f"{{#{sha256(full_name.encode()).hexdigest()}}}")
        return cls(group, name, full_name.removeprefix(name))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that a text represents; names and groups contain neither `/` nor `{`."""
        query, brace, labels = text.partition("{")
        group, _, name = query.partition("/")
        return cls(group, name, brace + labels)

    @classmethod
    def of_anomaly(cls, anomaly_id: str) -> Self:
        """Return the key of the series that an anomaly's id names.

        >>> str(SeriesKey.of_anomaly("shop/errors@2026-03-01T14:02:00Z"))
        'shop/errors'
        """
        return cls.parse(anomaly_id.rpartition("@")[0])

    @property
    def query(self) -> str:
        """The group and the name of the query that the series belongs to."""
        return f"{self.group}/{self.name}"

    def anomaly_id(self, onset_at: datetime) -> str:
        """Return the id of an anomaly of the series.

        >>> from datetime import UTC
        >>> SeriesKey("shop", "errors").anomaly_id(datetime(2026, 3, 1, 14, 2, tzinfo=UTC))
        'shop/errors@2026-03-01T14:02:00Z'
        """
        return f"{self}@{onset_at:%Y-%m-%dT%H:%M:%SZ}"

    def __str__(self) -> str:
        """Return the text under which the series is stored."""
        return f"{self.group}/{self.name}{self.selector}"

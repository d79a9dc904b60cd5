"""The names by which groups, queries, series and anomalies are known again after a restart."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

_LONGEST = 500


def series_name(name: str, labels: Mapping[str, str]) -> str:
    """Return a series as it is shown, and written in PromQL.

    >>> series_name("errors", {"service": "checkout"})
    'errors{service="checkout"}'
    """
    if not labels:
        return name
    # JSON escapes quotes and backslashes as PromQL does.
    pairs = (f"{label}={json.dumps(labels[label], ensure_ascii=False)}" for label in sorted(labels))
    return f"{name}{{{','.join(pairs)}}}"


def series_key(group: str, name: str, labels: Mapping[str, str]) -> str:
    """Return the key of a series within the watch; many or long labels are replaced by a digest.

    >>> series_key("shop", "errors", {"service": "checkout"})
    'shop/errors{service="checkout"}'
    """
    shown = series_name(name, labels)
    if len(shown) > _LONGEST:
        shown = f"{name}{{#{sha256(shown.encode()).hexdigest()}}}"
    return f"{group}/{shown}"


def query_of(key: str) -> str:
    """Return the group and the name of the query that a series belongs to.

    >>> query_of('shop/errors{service="checkout"}')
    'shop/errors'
    """
    return key.partition("{")[0]


def group_of(key: str) -> str:
    """Return the group that a series, or an anomaly, belongs to.

    >>> group_of('shop/errors{service="checkout"}')
    'shop'
    """
    return key.partition("/")[0]


def anomaly_id(key: str, onset_at: datetime) -> str:
    """Return the id of a series' anomaly.

    >>> from datetime import UTC
    >>> anomaly_id("shop/errors", datetime(2026, 3, 1, 14, 2, tzinfo=UTC))
    'shop/errors@2026-03-01T14:02:00Z'
    """
    return f"{key}@{onset_at:%Y-%m-%dT%H:%M:%SZ}"


def key_of(anomaly: str) -> str:
    """Return the key of the series that an anomaly's id names.

    >>> key_of('shop/errors@2026-03-01T14:02:00Z')
    'shop/errors'
    """
    return anomaly.rpartition("@")[0]

"""A delivery of alerts as the store keeps them: cleaned, masked, and each with an identity."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from features.domain.alerts.alert import Alert
from features.text.masking import Masking
from features.text.parsing import (
    MAX_ID_LENGTH,
    MAX_TEXT_LENGTH,
    parse_fact,
    parse_masked_name,
    parse_named_text,
)
from serving.schemas.alertmanager import AlertmanagerRequest, ReceivedAlert

_FARTHEST = timedelta(days=1)
_UNSET_YEAR = 1
"""The year that Go writes for a time that is not set."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a group of alerts.

    `prefix` begins the ids of the group's incidents. `facts` are what the group says beside its
    alerts, by name. With `ends_all`, the group is over although the delivery lists no alert.
    """

    prefix: str
    alerts: tuple[Alert, ...]
    facts: Mapping[str, str]
    arrived_at: datetime
    ends_all: bool = False

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire."""
        return tuple(alert for alert in self.alerts if alert.is_firing)

    @property
    def began_at(self) -> datetime:
        """The earliest start time of the firing alerts; without any, the time of arrival."""
        times = (alert.began_at for alert in self.firing)
        return min((time for time in times if time is not None), default=self.arrived_at)


def read_delivery(body: AlertmanagerRequest, masking: Masking, now: datetime) -> Delivery:
    """Return the delivery of a valid body.

    A group that lists no alerts has one alert with the labels of the group. An alert without a
    fingerprint, or with that of another alert of the delivery, is identified by its labels.
    """
    received = body.alerts or [
        ReceivedAlert(status="resolved" if body.is_resolved else "firing", labels=body.group_labels)
    ]
    counts = Counter(alert.fingerprint for alert in received)
    return Delivery(
        prefix=f"alert-{body.key}-",
        alerts=tuple(
            _alert(alert, body, masking, now, is_unique=counts[alert.fingerprint] == 1)
            for alert in received
        ),
        facts=_masked(body.other_fields(), masking),
        arrived_at=now,
        ends_all=body.is_resolved and not body.alerts,
    )


def _alert(
    received: ReceivedAlert,
    body: AlertmanagerRequest,
    masking: Masking,
    now: datetime,
    *,
    is_unique: bool,
) -> Alert:
    is_over = "resolved" in (received.status, body.status)
    identity = parse_masked_name(received.fingerprint, masking)[:MAX_ID_LENGTH]
    if not identity or not is_unique:
        labels = json.dumps([identity, received.labels], sort_keys=True)
        identity = sha256(labels.encode(errors="replace")).hexdigest()[:16]
    return Alert(
        fingerprint=identity,
        labels=_masked(body.group_labels | body.common_labels | received.labels, masking),
        annotations=_masked(
            _links(received) | body.common_annotations | received.annotations, masking
        ),
        is_firing=not is_over,
        began_at=_set_time(received.starts_at, now),
        ended_at=(_set_time(received.ends_at, now) or now) if is_over else None,
        generator_url=parse_fact(received.generator_url, masking) or "",
        first_seen_at=now,
        last_seen_at=now,
    )


def _links(received: ReceivedAlert) -> dict[str, str]:
    """Return the addresses beside an alert's labels, such as Grafana's `panelURL`, by name."""
    return {
        name: value
        for name, value in (received.__pydantic_extra__ or {}).items()
        if isinstance(value, str) and value.startswith(("http://", "https://"))
    }


def _masked(texts: Mapping[str, str], masking: Masking) -> dict[str, str]:
    parsed = {
        parse_masked_name(name, masking)[:MAX_ID_LENGTH]: parse_named_text(
            name, text[:MAX_TEXT_LENGTH], masking
        )
        for name, text in texts.items()
    }
    return {name: text for name, text in parsed.items() if text}


def _set_time(time: datetime | None, now: datetime) -> datetime | None:
    """Return a time in UTC; None if it is not set, or so far in the future that it cannot be."""
    if time is None or time.year <= _UNSET_YEAR:
        return None
    return time.astimezone(UTC) if time - now < _FARTHEST else None

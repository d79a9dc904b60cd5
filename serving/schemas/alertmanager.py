"""Alertmanager's webhook, version 4, as it is sent: what is known is read, the rest is kept."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from features.text.parsing import Moment

State = Literal["firing", "resolved"]

_NEVER = 1
"""The year of a time that Go leaves unset."""


def _texts(given: object) -> object:
    if not isinstance(given, dict):
        return {} if given is None else given
    return {name: _text(value) for name, value in given.items() if value is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text_or_empty(given: object) -> str:
    return "" if given is None else _text(given)


def _unless_unset(given: object) -> object:
    return None if given == "" else given


def _empty_list(given: object) -> object:
    return [] if given is None else given


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
AlertTime = Annotated[Moment | None, BeforeValidator(_unless_unset)]
OptionalText = Annotated[str, BeforeValidator(_text_or_empty)]


class _AlertmanagerModel(BaseModel):
    """Base of what Alertmanager sends; fields that are unknown here are kept as they came."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )

    @property
    def unknown(self) -> Mapping[str, Any]:
        """The fields that this program does not know."""
        return self.model_extra or {}


class ReceivedAlert(_AlertmanagerModel):
    """One alert of a group."""

    status: State | None = None
    labels: Texts = Field(default_factory=dict)
    annotations: Texts = Field(default_factory=dict)
    starts_at: AlertTime = None
    ends_at: AlertTime = None
    generator_url: Annotated[OptionalText, Field(validation_alias="generatorURL")] = ""
    fingerprint: OptionalText = ""


class AlertmanagerRequest(_AlertmanagerModel):
    """A group of alerts that fires or is resolved; only `alerts` or `groupKey` must be there."""

    version: OptionalText = ""
    group_key: OptionalText = ""
    truncated_alerts: int | None = None
    status: State | None = None
    receiver: OptionalText = ""
    group_labels: Texts = Field(default_factory=dict)
    common_labels: Texts = Field(default_factory=dict)
    common_annotations: Texts = Field(default_factory=dict)
    external_url: Annotated[OptionalText, Field(validation_alias="externalURL")] = ""
    alerts: Annotated[list[ReceivedAlert], BeforeValidator(_empty_list)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _names_something(self) -> "AlertmanagerRequest":
        if not self.alerts and not self.group_key:
            raise PydanticCustomError("empty_group", "give alerts, or at least a groupKey")
        return self

    @property
    def is_resolved(self) -> bool:
        """Whether the whole group is over; without a status, whether each of its alerts is."""
        if self.status is not None:
            return self.status == "resolved"
        return bool(self.alerts) and all(alert.status == "resolved" for alert in self.alerts)

    @property
    def key(self) -> str:
        """What stays the same of the group from one delivery to the next, as a short hash."""
        named = self.group_key or [
            self.receiver,
            self.group_labels or self.common_labels or (self.alerts[0].labels),
        ]
        return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def began_at(self) -> datetime | None:
        """When the first of the alerts that this is about began, None where none says."""
        firing = [alert for alert in self.alerts if alert.status != "resolved"]
        return min(_told(alert.starts_at for alert in firing or self.alerts), default=None)

    @property
    def ended_at(self) -> datetime | None:
        """When the last of the alerts ended, None where none says."""
        return max(_told(alert.ends_at for alert in self.alerts), default=None)

    def labels(self) -> dict[str, str]:
        """Return the labels: those in common, then those that differ with all their values."""
        varying: dict[str, dict[str, None]] = {}
        for alert in self.alerts:
            for name, value in alert.labels.items():
                varying.setdefault(name, {})[value] = None
        joined = {name: ", ".join(values) for name, values in varying.items()}
        return joined | self.group_labels | self.common_labels

    def annotations(self, name: str) -> list[str]:
        """Return the distinct values of an annotation, that of the whole group first."""
        found = [self.common_annotations.get(name), *(a.annotations.get(name) for a in self.alerts)]
        return list(dict.fromkeys(each.strip() for each in found if each and each.strip()))

    def annotation_names(self) -> list[str]:
        """Return the names of all annotations, in the order in which they come."""
        each = (self.common_annotations, *(alert.annotations for alert in self.alerts))
        return list(dict.fromkeys(name for one in each for name in one))

    def further(self) -> dict[str, str]:
        """Return what else was sent, as text: fields of the group, then those of its alerts."""
        known = {
            "receiver": self.receiver,
            "externalURL": self.external_url,
            "generatorURL": next((a.generator_url for a in self.alerts if a.generator_url), ""),
            "truncatedAlerts": str(self.truncated_alerts) if self.truncated_alerts else "",
        }
        extra: dict[str, str] = {}
        for sent in (self, *self.alerts):
            for name, value in sent.unknown.items():
                if value is not None:
                    extra.setdefault(name, _text(value))
        return extra | {name: value for name, value in known.items() if value}


def _told(times: Iterable[datetime | None]) -> Iterator[datetime]:
    return (time.astimezone(UTC) for time in times if time is not None and time.year > _NEVER)

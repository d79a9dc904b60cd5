"""Changes as callers send them: in this service's own form, and as PagerDuty's change events."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationInfo,
)

from features.domain.telemetry.change import Change
from features.text.masking import Masking
from features.text.parsing import Moment, Name, Text, parse_fact, parse_masked_name, parse_text
from serving.schemas.requests import RequestModel

NamedText = Annotated[Text, Field(min_length=1)]

_USUAL_KIND = "change"
_KIND_KEYS = ("kind", "type")
_SERVICE_KEYS = ("service", "service_name")
_PRINTABLE = {"pattern": r"[^\s\x00-\x1f\x7f-\x9f\ufeff]"}
"""Requires of an id at least one character that is not removed by cleaning."""


class ChangeRequest(RequestModel):
    """A change to a service; it replaces the stored change with the same id, if there is one."""

    id: Annotated[Name, Field(min_length=1, json_schema_extra=_PRINTABLE)]
    service: Text | None
    at: Moment
    kind: NamedText
    summary: NamedText
    url: Text | None = None

    def parse(self, masking: Masking) -> Change:
        """Return the change, cleaned and masked."""
        return Change(
            id=parse_masked_name(self.id, masking),
            service=parse_fact(self.service, masking),
            at=self.at,
            kind=parse_text(self.kind, masking) or _USUAL_KIND,
            summary=parse_text(self.summary, masking),
            url=parse_fact(self.url, masking),
        )


def _as_mapping(value: object) -> object:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"details": value}


def _as_list(value: object) -> object:
    return [] if value is None else value


class _PagerDutyModel(BaseModel):
    """Base of what PagerDuty sends; unknown fields are left out."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class PagerDutyLink(_PagerDutyModel):
    """A link of a change event."""

    href: Text
    text: Text | None = None


class PagerDutyPayload(_PagerDutyModel):
    """The payload of a change event."""

    summary: NamedText
    timestamp: Moment | None = None
    source: Text | None = None
    custom_details: Annotated[
        dict[str, JsonValue], BeforeValidator(_as_mapping, json_schema_input_type=JsonValue)
    ] = Field(default_factory=dict)


class PagerDutyChangeEvent(_PagerDutyModel):
    """PagerDuty's change event, version 2; its routing key is neither read nor kept."""

    payload: PagerDutyPayload
    links: Annotated[
        list[PagerDutyLink],
        BeforeValidator(_as_list, json_schema_input_type=list[PagerDutyLink] | None),
    ] = Field(default_factory=list)

    def parse(self, masking: Masking) -> Change:
        """Return the change, cleaned and masked, with a hash of its content as id."""
        payload, now = self.payload, datetime.now(UTC)
        details = {
            parse_masked_name(name, masking): _text(value)
            for name, value in payload.custom_details.items()
        }
        link = self.links[0].href if self.links else None
        facts = {name: parse_fact(text, masking) for name, text in details.items()}
        kind, service = _first(facts, _KIND_KEYS), _first(facts, _SERVICE_KEYS)
        return Change(
            id=self._id(now),
            service=service or parse_fact(payload.source, masking),
            at=payload.timestamp or now,
            kind=kind or _USUAL_KIND,
            summary=parse_text(payload.summary, masking),
            url=parse_fact(link, masking),
            attributes={name: fact for name, fact in facts.items() if fact is not None},
        )

    def _id(self, now: datetime) -> str:
        # An event without a time is a new change if it is received again in another hour.
        received = None if self.payload.timestamp else f"{now:%Y-%m-%dT%H}"
        content = json.dumps([received, self.model_dump()], sort_keys=True, default=str)
        return f"pagerduty-{sha256(content.encode()).hexdigest()[:24]}"


def _read_change(value: object, info: ValidationInfo) -> ChangeRequest | PagerDutyChangeEvent:
    if isinstance(value, ChangeRequest | PagerDutyChangeEvent):
        return value
    is_event = isinstance(value, dict) and "payload" in value
    form = PagerDutyChangeEvent if is_event else ChangeRequest
    return form.model_validate(value, context=info.context)


AnyChange = Annotated[
    ChangeRequest | PagerDutyChangeEvent,
    PlainValidator(_read_change, json_schema_input_type=ChangeRequest | PagerDutyChangeEvent),
]
"""A change in either form; errors refer only to the form that the body has."""


def _text(value: JsonValue) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _first(facts: Mapping[str, str | None], names: tuple[str, ...]) -> str | None:
    return next((fact for name in names if (fact := facts.get(name))), None)

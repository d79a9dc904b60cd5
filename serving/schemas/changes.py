"""Changes as callers send them: in this service's own form, and as PagerDuty's change events."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from features.domain.change import Change
from features.text.masking import Masking
from features.text.parsing import Moment, Name, Text, parse_fact, parse_name, parse_text
from serving.schemas.requests import RequestModel

NamedText = Annotated[Text, Field(min_length=1)]

_USUAL_KIND = "change"
_KIND_KEYS = ("kind", "type")
_SERVICE_KEYS = ("service", "service_name")


class ChangeRequest(RequestModel):
    """A change to a service; sent again under the same id it replaces what was known."""

    id: Annotated[Name, Field(min_length=1)]
    service: Text | None
    at: Moment
    kind: NamedText
    summary: NamedText
    url: Text | None = None

    def parse(self, masking: Masking) -> Change:
        """Return the change, cleaned and masked."""
        return Change(
            id=self.id,
            service=parse_fact(self.service, masking),
            at=self.at,
            kind=parse_text(self.kind, masking) or _USUAL_KIND,
            summary=parse_text(self.summary, masking),
            url=parse_fact(self.url, masking),
        )


def _as_mapping(given: object) -> object:
    if given is None:
        return {}
    return given if isinstance(given, dict) else {"details": given}


def _as_list(given: object) -> object:
    return [] if given is None else given


class _PagerDutyModel(BaseModel):
    """Base of what PagerDuty sends; fields that are unknown here are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class PagerDutyLink(_PagerDutyModel):
    """A link of a change event."""

    href: Text
    text: Text | None = None


class PagerDutyPayload(_PagerDutyModel):
    """What a change event says."""

    summary: NamedText
    timestamp: Moment | None = None
    source: Text | None = None
    custom_details: Annotated[dict[str, Any], BeforeValidator(_as_mapping)] = Field(
        default_factory=dict
    )


class PagerDutyChangeEvent(_PagerDutyModel):
    """PagerDuty's change event, version 2; its routing key is neither read nor kept."""

    payload: PagerDutyPayload
    links: Annotated[list[PagerDutyLink], BeforeValidator(_as_list)] = Field(default_factory=list)

    def parse(self, masking: Masking) -> Change:
        """Return the change, cleaned and masked, under an id that is made of its content."""
        payload, now = self.payload, datetime.now(UTC)
        details = {parse_name(name): _text(each) for name, each in payload.custom_details.items()}
        link = self.links[0].href if self.links else None
        facts = {name: parse_fact(each, masking) for name, each in details.items()}
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
        # Without a time of its own, the same words an hour later are another change.
        received = None if self.payload.timestamp else f"{now:%Y-%m-%dT%H}"
        content = json.dumps([received, self.model_dump()], sort_keys=True, default=str)
        return f"pagerduty-{sha256(content.encode()).hexdigest()[:24]}"


def change_kind(given: object) -> type[ChangeRequest] | type[PagerDutyChangeEvent]:
    """Return which of the two forms a body has."""
    is_event = isinstance(given, dict) and "payload" in given
    return PagerDutyChangeEvent if is_event else ChangeRequest


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _first(facts: Mapping[str, str | None], names: tuple[str, ...]) -> str | None:
    return next((fact for name in names if (fact := facts.get(name))), None)

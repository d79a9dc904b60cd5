"""Alertmanager's webhook, version 4: known fields are read, and unknown ones are kept."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from features.text.parsing import Moment

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(_JSON.validate_python(value))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: entry for name, entry in value.items() if entry is not None}
    return {} if value is None else value


def _empty_if_null(value: object) -> object:
    return "" if value is None else value


def _null_if_empty(value: object) -> object:
    return None if value == "" else value


def _list_if_null(value: object) -> object:
    return [] if value is None else value


def _in_small_letters(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


State = Annotated[
    Literal["firing", "resolved"],
    BeforeValidator(_in_small_letters, json_schema_input_type=Literal["firing", "resolved"]),
]
LooseText = Annotated[str, BeforeValidator(_text, json_schema_input_type=JsonValue)]
OptionalText = Annotated[LooseText, BeforeValidator(_empty_if_null)]
Texts = Annotated[
    dict[str, LooseText],
    BeforeValidator(_without_nulls, json_schema_input_type=dict[str, JsonValue] | None),
]
AlertTime = Annotated[
    Moment | None,
    BeforeValidator(_null_if_empty, json_schema_input_type=datetime | Literal[""] | None),
]


class _AlertmanagerModel(BaseModel):
    """Base of what Alertmanager sends; unknown fields are kept."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        frozen=True,
        alias_generator=AliasGenerator(validation_alias=to_camel),
    )
    __pydantic_extra__: dict[str, JsonValue]


class ReceivedAlert(_AlertmanagerModel):
    """One alert of a group."""

    status: State | None = None
    labels: Texts = Field(default_factory=dict)
    annotations: Texts = Field(default_factory=dict)
    starts_at: AlertTime = None
    ends_at: AlertTime = None
    generator_url: Annotated[OptionalText, Field(validation_alias="generatorURL")] = ""
    fingerprint: OptionalText = ""


_ALERTS_OR_KEY: JsonDict = {
    "anyOf": [
        {"properties": {"alerts": {"type": "array", "minItems": 1}}, "required": ["alerts"]},
        {"properties": {"groupKey": {"not": {"enum": ["", None]}}}, "required": ["groupKey"]},
    ]
}


class AlertmanagerRequest(_AlertmanagerModel):
    """A group of alerts that fires or is resolved; `alerts` or a `groupKey` is required."""

    model_config = ConfigDict(json_schema_extra=_ALERTS_OR_KEY)

    version: OptionalText = ""
    group_key: OptionalText = ""
    truncated_alerts: OptionalText = ""
    status: State | None = None
    receiver: OptionalText = ""
    group_labels: Texts = Field(default_factory=dict)
    common_labels: Texts = Field(default_factory=dict)
    common_annotations: Texts = Field(default_factory=dict)
    external_url: Annotated[OptionalText, Field(validation_alias="externalURL")] = ""
    alerts: Annotated[
        list[ReceivedAlert],
        BeforeValidator(_list_if_null, json_schema_input_type=list[ReceivedAlert] | None),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _require_alerts_or_key(self) -> "AlertmanagerRequest":
        if not self.alerts and not self.group_key:
            raise PydanticCustomError("empty_group", "give alerts, or at least a groupKey")
        return self

    @property
    def is_resolved(self) -> bool:
        """Whether the group is resolved.

        A group without a status is resolved if it has alerts and all of them are resolved.
        """
        if self.status is not None:
            return self.status == "resolved"
        return bool(self.alerts) and all(alert.status == "resolved" for alert in self.alerts)

    @property
    def key(self) -> str:
        """A short hash that identifies the group; it is the same in every delivery."""
        identity = self.group_key or [
            self.receiver,
            self.group_labels or self.common_labels or (self.alerts[0].labels),
        ]
        return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]

    def other_fields(self) -> dict[str, str]:
        """Return receiver, URL, number of left-out alerts and unknown fields as text, by name.

        An unknown field has the group's value or, if the group has none, that of the first alert
        with a value.
        """
        known = {
            "receiver": self.receiver,
            "externalURL": self.external_url,
            "truncatedAlerts": "" if self.truncated_alerts == "0" else self.truncated_alerts,
        }
        unknown: dict[str, str] = {}
        for part in (self, *self.alerts):
            for name, value in (part.model_extra or {}).items():
                if value is not None:
                    unknown.setdefault(name, _text(value))
        return unknown | {name: text for name, text in known.items() if text}

"""What callers may send: every field, its type and its limits."""

import json
from collections.abc import Callable, Mapping, Sized
from datetime import datetime
from math import isfinite
from typing import Annotated, Any, Literal, TypedDict, TypeVar
from uuid import uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from features.incident.masking import Masking
from features.incident.parsing import (
    MAX_ID_LENGTH,
    as_utc,
    has_unprintable,
    parse_label,
    parse_report,
    parse_text,
    sanitise_text,
)
from features.incident.report import IncidentReport, Outcome

Part = Literal["category", "assignment", "severity", "fields", "similar", "runbooks", "anomalies"]

SizedType = TypeVar("SizedType", bound=Sized)


class Limits(TypedDict):
    """The limits that the settings impose on a body; passed as the validation's context."""

    max_batch_incidents: int
    max_text_characters: int


def _within(
    limit: Literal["max_batch_incidents", "max_text_characters"], unit: str
) -> Callable[[SizedType, ValidationInfo[Limits]], SizedType]:
    def check(value: SizedType, info: ValidationInfo[Limits]) -> SizedType:
        allowed = info.context[limit]
        if len(value) > allowed:
            message = "{found} {unit} are too many; at most {allowed} are accepted"
            facts = {"found": len(value), "unit": unit, "allowed": allowed}
            raise PydanticCustomError("too_long", message, facts)
        return value

    return check


def _parse_moment(given: object) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(given.strip()))  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OverflowError):
        raise PydanticCustomError(
            "moment", "write a time as ISO 8601, such as 2026-03-02T08:30:00Z"
        ) from None


def _attribute_text(given: object) -> object:
    if given is None or isinstance(given, str):
        return given
    # As the import of an export in JSON writes them.
    if isinstance(given, int) or (isinstance(given, float) and isfinite(given)):
        return json.dumps(given)
    raise PydanticCustomError("attribute", "give text, a number, true, false or null")


def _drop_unprintable(given: object) -> object:
    # Before pydantic looks: with a limit on their length it refuses texts with lone surrogates.
    return sanitise_text(given) if isinstance(given, str) else given


def parse_id(given: str) -> str | None:
    """Return an id as the store keeps it, None when nothing is left of it."""
    return sanitise_text(given).strip() or None


Text = Annotated[str, AfterValidator(_within("max_text_characters", "characters"))]
Id = Annotated[str, BeforeValidator(_drop_unprintable), Field(max_length=MAX_ID_LENGTH)]
Moment = Annotated[datetime, BeforeValidator(_parse_moment)]
AttributeValue = Annotated[
    Text | None,
    BeforeValidator(_attribute_text),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class Body(BaseModel):
    """Base of what is sent: unknown fields are refused and types are taken at their word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class IncidentBody(Body):
    """An incident as it is known at opening; everything is optional, and null is absent."""

    id: Id | None = None
    title: Text | None = None
    description: Text | None = None
    service: Text | None = None
    source: Text | None = None
    opened_at: Moment | None = Field(None, description="ISO 8601; without a zone it is UTC")
    attributes: dict[str, AttributeValue] | None = None

    def parse(self, masking: Masking) -> IncidentReport:
        """Return the report, cleaned and masked; without an id it gets one."""
        return parse_report(
            id=parse_id(self.id or "") or str(uuid4()),
            masking=masking,
            opened_at=self.opened_at,
            title=self.title,
            description=self.description,
            service=self.service,
            source=self.source,
            attributes=_clean_names(self.attributes),
        )

    def count_unprintable(self) -> int:
        """Return the number of texts that hold control characters or lone surrogates."""
        texts = (self.id, self.title, self.description, self.service, self.source)
        facts = (self.attributes or {}).values()
        return sum(has_unprintable(text) for text in (*texts, *facts) if text)


class OutcomeBody(Body):
    """What was learned about an incident after it opened."""

    category: Text | None = None
    assignment: Text | None = None
    severity: Text | None = None
    resolution: Text | None = None
    runbook_id: Text | None = None
    resolved_at: Moment | None = None
    duplicate_of: Id | None = None
    fields: dict[str, Text | None] | None = None

    def parse(self, masking: Masking) -> Outcome:
        """Return the outcome, cleaned; the resolution is masked, labels stay as they are."""
        fields = {name: parse_label(label) for name, label in _clean_names(self.fields).items()}
        return Outcome(
            category=parse_label(self.category),
            assignment=parse_label(self.assignment),
            severity=parse_label(self.severity),
            resolution=parse_text(self.resolution, masking) or None,
            runbook_id=parse_label(self.runbook_id),
            resolved_at=self.resolved_at,
            duplicate_of=parse_label(self.duplicate_of),
            fields={name: label for name, label in fields.items() if label is not None},
        )


def _clean_names(facts: Mapping[str, str | None] | None) -> dict[str, str | None]:
    return {sanitise_text(name).strip(): value for name, value in (facts or {}).items()}


class TriageBody(Body):
    """The request of `/v1/triage`. `include` names the parts wanted; without it, all are."""

    incident: IncidentBody
    include: list[Part] | None = None


class BatchBody(Body):
    """The request of `/v1/triage/batch`; each incident is checked by itself."""

    incidents: Annotated[
        list[Any],
        AfterValidator(_within("max_batch_incidents", "incidents")),
        WithJsonSchema({"type": "array", "items": {"$ref": "#/components/schemas/IncidentBody"}}),
    ]
    include: list[Part] | None = None


class UpsertBody(Body):
    """The request of `POST /v1/incidents`; the outcome is null while it is unresolved."""

    incident: IncidentBody
    outcome: OutcomeBody | None = None

"""What callers may send: every field, its type and its limits."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails, PydanticCustomError

from features.domain.report import IncidentReport, Outcome, Status
from features.domain.tracking import Author
from features.store.incidents.incident_search import InboxQuery
from features.store.incidents.incident_update import ALL_ATTRIBUTES, ALL_FIELDS, IncidentUpdate
from features.store.incidents.series_routines import RoutineCursor
from features.text.masking import Masking
from features.text.parsing import (
    MAX_ID_LENGTH,
    AttributeValue,
    Moment,
    Name,
    ReportFields,
    Text,
    has_unprintable,
    parse_label,
    parse_masked_name,
    parse_name,
    parse_text,
    within,
)
from serving.schemas.cursors import read_cursor, read_routine_cursor
from serving.schemas.new_ids import NEW_IDS, random_ids

AnswerPart = Literal[
    "category",
    "assignment",
    "severity",
    "fields",
    "similar",
    "runbooks",
    "resolution",
    "anomalies",
    "changes",
]


def parse_id(text: str) -> str | None:
    """Return an id as the store keeps it, None if it is empty after cleaning."""
    return parse_name(text) or None


def at_most(limit: str, unit: str) -> BeforeValidator:
    """Return a validator that checks the length of a list before its entries; see `within`."""
    check = within(limit, unit)

    def check_list(value: object, info: ValidationInfo) -> object:
        return check(value, info) if isinstance(value, list) else value

    return BeforeValidator(check_list)


def _new_id_where_none(value: object, info: ValidationInfo) -> object:
    is_blank = value is None or (isinstance(value, str) and parse_id(value) is None)
    return next((info.context or {}).get(NEW_IDS) or random_ids()) if is_blank else value


def _whole_number(value: object) -> object:
    # JSON has only one kind of number, so 2.0 is accepted as an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole_number)]
Probability = Annotated[float, Field(ge=0, le=1)]


class RequestModel(BaseModel):
    """Base of requests: unknown fields are refused, and types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


MAX_ATTRIBUTES, MAX_ATTRIBUTE_LENGTH = 200, 10_000
"""The most attributes that a report may have, and the most characters of each."""


def _check_attribute_count(attributes: object) -> object:
    if isinstance(attributes, dict) and len(attributes) > MAX_ATTRIBUTES:
        message = "{found} attributes are too many; at most {max} are accepted"
        facts = {"found": len(attributes), "max": MAX_ATTRIBUTES}
        raise PydanticCustomError("too_many", message, facts)
    return attributes


def _check_attribute_length(value: str | None) -> str | None:
    if value is not None and len(value) > MAX_ATTRIBUTE_LENGTH:
        message = "{found} characters are too many; at most {max} are accepted"
        facts = {"found": len(value), "max": MAX_ATTRIBUTE_LENGTH}
        raise PydanticCustomError("too_long", message, facts)
    return value


ShortAttribute = Annotated[
    AttributeValue,
    AfterValidator(_check_attribute_length),
    WithJsonSchema(
        {"type": ["string", "number", "boolean", "null"], "maxLength": MAX_ATTRIBUTE_LENGTH}
    ),
]


class IncidentInput(ReportFields):
    """An incident as it is known at opening; every field is optional.

    An incident without an id gets a new one. Null erases a value that is stored.
    """

    attributes: Annotated[
        dict[Name, ShortAttribute] | None,
        BeforeValidator(_check_attribute_count),
        Field(json_schema_extra={"maxProperties": MAX_ATTRIBUTES}),
    ] = None

    id: Annotated[
        Name,
        BeforeValidator(_new_id_where_none),
        WithJsonSchema({"type": ["string", "null"], "maxLength": MAX_ID_LENGTH}),
    ] = Field(default=None, validate_default=True)

    def count_unprintable(self) -> int:
        """Return the number of texts that hold control characters or lone surrogates."""
        texts = (self.title, self.description, self.service, self.source)
        facts = (self.attributes or {}).values()
        return sum(has_unprintable(text) for text in (*texts, *facts) if text)


class RefusedIncident:
    """An incident of a batch that is not valid; `id` is None if no valid id was sent."""

    # Not a dataclass, because FastAPI would show it in the OpenAPI schema.
    def __init__(self, id: str | None, errors: list[ErrorDetails]) -> None:  # noqa: A002
        self.id = id
        self.errors = errors


def read_incident(value: object, info: ValidationInfo) -> IncidentInput | RefusedIncident:
    """Return an incident of a batch.

    An invalid incident becomes a `RefusedIncident`, so that the other incidents are still answered.
    """
    try:
        return IncidentInput.model_validate(value, context=info.context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        return RefusedIncident(_usable_id(value), details)


def _usable_id(value: object) -> str | None:
    id_ = value.get("id") if isinstance(value, dict) else None
    return parse_id(id_) if isinstance(id_, str) and len(id_) <= MAX_ID_LENGTH else None


class OutcomeInput(RequestModel):
    """What was learned about an incident after it opened."""

    category: Text | None = None
    assignment: Text | None = None
    severity: Text | None = None
    resolution: Text | None = None
    runbook_id: Text | None = None
    resolved_at: Moment | None = None
    duplicate_of: Name | None = None
    status: Annotated[
        Literal["open", "resolved"] | None,
        Field(description="by default it follows from the other fields"),
    ] = None
    fields: dict[Name, Text | None] | None = None
    sla_met: Annotated[
        bool | None, Field(description="whether it was resolved within its target time")
    ] = None
    reassigned: Annotated[
        bool | None, Field(description="whether it went to another group or person after its first")
    ] = None

    def parse(self, masking: Masking) -> Outcome:
        """Return the outcome, cleaned; labels and the resolution are masked."""
        fields = {
            parse_masked_name(name, masking): parse_label(label, masking)
            for name, label in (self.fields or {}).items()
        }
        return Outcome(
            category=parse_label(self.category, masking),
            assignment=parse_label(self.assignment, masking),
            severity=parse_label(self.severity, masking),
            resolution=parse_text(self.resolution, masking) or None,
            runbook_id=parse_label(self.runbook_id, masking),
            resolved_at=self.resolved_at,
            duplicate_of=parse_label(self.duplicate_of, masking),
            fields={name: label for name, label in fields.items() if label is not None},
            status=None if self.status is None else Status(self.status),
            sla_met=self.sla_met,
            reassigned=self.reassigned,
        )


class TriageRequest(RequestModel):
    """The request of `/v1/triage`; `include` names the requested parts, by default all.

    Without `include_evidence`, the evidence of labels is empty, and the answer takes less time.
    """

    incident: IncidentInput
    include: list[AnswerPart] | None = None
    include_evidence: bool = True


class BatchRequest(RequestModel):
    """The request of `/v1/triage/batch`; each incident is validated separately."""

    incidents: Annotated[
        list[
            Annotated[
                IncidentInput | RefusedIncident,
                PlainValidator(read_incident, json_schema_input_type=IncidentInput | Any),
            ]
        ],
        at_most("max_batch_incidents", "incidents"),
    ]
    include: list[AnswerPart] | None = None
    include_evidence: bool = True

    @property
    def size(self) -> int:
        """The work that the request asks for, in incidents."""
        return max(1, len(self.incidents))


class SimilarRequest(RequestModel):
    """The request of `/v1/similar`; by default the calibrated cutoff applies, 0 is no cutoff."""

    incident: IncidentInput
    limit: Count = 10
    cutoff: Probability | None = None


class RunbooksRequest(RequestModel):
    """The request of `/v1/runbooks`; by default the calibrated cutoff applies, 0 is no cutoff."""

    incident: IncidentInput
    limit: Count = 5
    cutoff: Probability | None = None


_CORRECTION: JsonDict = {
    "if": {"properties": {"action": {"const": "correct"}}},
    "then": {"properties": {"label": {"type": "string", "pattern": r"\S"}}, "required": ["label"]},
}


class FeedbackRequest(RequestModel):
    """The request of `/v1/feedback`: what a person did with an answer, or with an entry of it.

    `target` is the target of a model, or `open_match`. `label` is the correct label of a
    correction. `subject` is the id of the similar incident, open match or runbook that the feedback
    is about; `helped` says whether the runbook helped.
    """

    model_config = ConfigDict(json_schema_extra=_CORRECTION)

    prediction_id: Name
    target: Name
    action: Literal["accept", "correct", "dismiss"]
    label: Annotated[Text | None, Field(validate_default=True)] = None
    subject: Name | None = None
    given_by: Name | None = None
    helped: bool | None = None

    @field_validator("label")
    @classmethod
    def _require_label_of_correction(cls, label: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("action") == "correct" and not (label or "").strip():
            raise PydanticCustomError("label", "name the right label")
        return label


class RollbackRequest(RequestModel):
    """The request of a rollback: who requests it, and why; both are logged."""

    given_by: Name | None = None
    reason: Text | None = None


class PromoteRequest(RollbackRequest):
    """The request of a promotion; without a version the newest is promoted."""

    version: Name | None = None


class RevealRequest(RequestModel):
    """The request to see an answer of the audit sample: who needs it, and why; both are logged."""

    target: Name
    given_by: Name | None = None
    reason: Text | None = None


class RoutineRequest(RequestModel):
    """The request to revoke a routine or to take that back: who asks, and why; both are logged."""

    given_by: Name | None = None
    reason: Text | None = None


class RoutinesQuery(RequestModel):
    """The query of `GET /v1/routines`."""

    cursor: Annotated[str | None, Field(description="the `next` of the previous page")] = None
    limit: int = Field(25, ge=1, le=100, strict=False)

    def parse_cursor(self) -> RoutineCursor | None:
        """Return where the page begins; raises `InvalidFields` for an unknown cursor."""
        return read_routine_cursor(self.cursor) if self.cursor else None


class LabelQueueQuery(RequestModel):
    """The query of `GET /v1/labels/queue`."""

    target: Name
    limit: int = Field(20, ge=1, le=100, strict=False)


class IncidentsQuery(RequestModel):
    """The query of `GET /v1/incidents`; an incident must meet every filter.

    `category` is compared with the outcome's label or, without one, with the newest answer.
    """

    status: Literal["open", "resolved", "stale"] | None = None
    service: Name | None = None
    category: Name | None = None
    query: Annotated[
        Name | None, Field(description="words, prefixes, or phrases in quotes; best first")
    ] = None
    opened_after: Moment | None = None
    cursor: Annotated[str | None, Field(description="the `next` of the previous page")] = None
    limit: int = Field(25, ge=1, le=100, strict=False)

    def parse(self, masking: Masking) -> InboxQuery:
        """Return the query; raises `InvalidFields` for a cursor that is not from an answer."""
        return InboxQuery(
            text=self.query or "",
            status=Status(self.status) if self.status else None,
            category=parse_label(self.category, masking),
            service=parse_label(self.service, masking),
            opened_after=self.opened_after,
            limit=self.limit,
            before=read_cursor(self.cursor) if self.cursor else None,
        )


class UpsertRequest(RequestModel):
    """The request of `POST /v1/incidents`: an absent field keeps its value, null erases it.

    `updated_at` is the source's time of this update. `given_by` is the person who gave these
    values, which no source overwrites; without it they are the source's.
    """

    incident: IncidentInput
    outcome: OutcomeInput | None = None
    updated_at: Moment | None = None
    given_by: Name | None = None

    def update(self, report: IncidentReport, masking: Masking) -> IncidentUpdate:
        """Return the update, whose report was read by `RequestReader`."""
        outcome = self.outcome or OutcomeInput()
        return IncidentUpdate(
            report=report,
            outcome=outcome.parse(masking),
            given=_given(self.incident) | self._given_outcome(),
            author=Author.PERSON if self.given_by else Author.SOURCE,
            actor=self.given_by or "",
            updated_at=self.updated_at,
        )

    def _given_outcome(self) -> frozenset[str]:
        if "outcome" not in self.model_fields_set:
            return frozenset()
        if self.outcome is None:
            return frozenset(OutcomeInput.model_fields)
        return _given(self.outcome)


def _given(part: IncidentInput | OutcomeInput) -> frozenset[str]:
    """Return the names of the fields that were sent, with one name for each entry of a mapping."""
    names = part.model_fields_set - {"id"}
    for mapping in names & {ALL_ATTRIBUTES, ALL_FIELDS}:
        entries = getattr(part, mapping)
        if entries is not None:
            names = names - {mapping} | {f"{mapping}.{name}" for name in entries}
    return frozenset(names)

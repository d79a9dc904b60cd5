"""What callers may send: every field, its type and its limits."""

from typing import Annotated, Any, Literal, TypedDict
from uuid import uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from features.domain.report import Outcome
from features.text.masking import Masking
from features.text.parsing import (
    MAX_ID_LENGTH,
    Moment,
    Name,
    ReportFields,
    Text,
    has_unprintable,
    parse_label,
    parse_name,
    parse_text,
    within,
)

Probability = Annotated[float, Field(ge=0, le=1, strict=False)]
AnswerPart = Literal[
    "category",
    "assignment",
    "severity",
    "fields",
    "similar",
    "runbooks",
    "anomalies",
    "changes",
]


class Limits(TypedDict):
    """The limits that the settings impose on a body; passed as the validation's context."""

    max_batch_incidents: int
    max_text_characters: int
    max_points: int
    max_series: int


def parse_id(given: str) -> str | None:
    """Return an id as the store keeps it, None when nothing is left of it."""
    return parse_name(given) or None


def _new_id_where_none(given: object) -> object:
    is_blank = given is None or (isinstance(given, str) and parse_id(given) is None)
    return str(uuid4()) if is_blank else given


class RequestModel(BaseModel):
    """Base of what is sent: unknown fields are refused and types are taken at their word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class IncidentInput(ReportFields):
    """An incident as it is known at opening; everything is optional, and null is absent.

    One without an id gets one.
    """

    id: Annotated[
        Name,
        BeforeValidator(_new_id_where_none),
        WithJsonSchema({"type": ["string", "null"], "maxLength": MAX_ID_LENGTH}),
    ] = Field(default_factory=lambda: str(uuid4()))

    def count_unprintable(self) -> int:
        """Return the number of texts that hold control characters or lone surrogates."""
        texts = (self.title, self.description, self.service, self.source)
        facts = (self.attributes or {}).values()
        return sum(has_unprintable(text) for text in (*texts, *facts) if text)


class OutcomeInput(RequestModel):
    """What was learned about an incident after it opened."""

    category: Text | None = None
    assignment: Text | None = None
    severity: Text | None = None
    resolution: Text | None = None
    runbook_id: Text | None = None
    resolved_at: Moment | None = None
    duplicate_of: Name | None = None
    fields: dict[Name, Text | None] | None = None

    def parse(self, masking: Masking) -> Outcome:
        """Return the outcome, cleaned; the resolution is masked, labels stay as they are."""
        fields = {name: parse_label(label) for name, label in (self.fields or {}).items()}
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


class TriageRequest(RequestModel):
    """The request of `/v1/triage`. `include` names the parts wanted; without it, all are."""

    incident: IncidentInput
    include: list[AnswerPart] | None = None


class SimilarRequest(RequestModel):
    """The request of `/v1/similar`; without a cutoff the calibrated one holds, 0 is none."""

    incident: IncidentInput
    limit: int = Field(10, ge=1, le=100)
    cutoff: Probability | None = None


class RunbooksRequest(RequestModel):
    """The request of `/v1/runbooks`; without a cutoff the calibrated one holds, 0 is none."""

    incident: IncidentInput
    limit: int = Field(5, ge=1, le=100)
    cutoff: Probability | None = None


class FeedbackRequest(RequestModel):
    """The request of `/v1/feedback`: what somebody did with an answer, or with an entry of it.

    `target` is a model's, or `open_match`. `label` is the right label of a correction, `subject`
    the id of the similar incident, open match or runbook meant.
    """

    prediction_id: Name
    target: Name
    action: Literal["accept", "correct", "dismiss"]
    label: Text | None = None
    subject: Name | None = None
    given_by: Name | None = None
    helped: bool | None = None


class RollbackRequest(RequestModel):
    """The request of a rollback: who does it, and why; both go into the log."""

    given_by: Name | None = None
    reason: Text | None = None


class PromoteRequest(RollbackRequest):
    """The request of a promotion; without a version the newest is meant."""

    version: Name | None = None


class LabelQueueQuery(RequestModel):
    """The query of `GET /v1/labels/queue`."""

    target: Name
    limit: int = Field(20, ge=1, le=100, strict=False)


class BatchRequest(RequestModel):
    """The request of `/v1/triage/batch`; each incident is checked by itself."""

    incidents: Annotated[
        list[Any],
        AfterValidator(within("max_batch_incidents", "incidents")),
        WithJsonSchema({"type": "array", "items": {"$ref": "#/components/schemas/IncidentInput"}}),
    ]
    include: list[AnswerPart] | None = None


class UpsertRequest(RequestModel):
    """The request of `POST /v1/incidents`; the outcome is null while it is unresolved."""

    incident: IncidentInput
    outcome: OutcomeInput | None = None

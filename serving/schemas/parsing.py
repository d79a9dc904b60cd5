"""Turns validated requests into reports, whose texts are cleaned and masked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.domain.report import IncidentReport
from features.text.masking import Masking
from serving.runtime.errors import InvalidFields
from serving.runtime.metrics import ServingMetrics
from serving.schemas.field_errors import read_field_errors
from serving.schemas.requests import IncidentInput

FormType = TypeVar("FormType", bound=BaseModel)


class RequestReader:
    """Parses incidents, masks their texts, and counts the texts that had to be cleaned.

    `limits` is the validation context of requests: the settings by name.
    """

    def __init__(
        self, limits: Mapping[str, Any], masking: Masking, metrics: ServingMetrics
    ) -> None:
        self.limits = dict(limits)
        self.masking = masking
        self._metrics = metrics

    def form(self, kind: type[FormType], fields: Mapping[str, object]) -> FormType:
        """Return the fields of a form as a validated model; raises `InvalidFields`."""
        try:
            return kind.model_validate(dict(fields), context=self.limits)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False)
            raise InvalidFields(read_field_errors(details)) from None

    def report(self, incident: IncidentInput) -> IncidentReport:
        """Return the report of an incident, cleaned and masked."""
        self._metrics.count_cleaned(incident.count_unprintable())
        return incident.parse(self.masking)

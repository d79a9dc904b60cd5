"""Answers: a prediction with its mode, which says what may be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import Field

from features.domain.modes import Mode
from models.base.predictions import (
    ChoicePrediction,
    Decision,
    NoveltyPrediction,
    Prediction,
    ResolutionPrediction,
    RunbookPrediction,
    SeverityPrediction,
    SimilarPrediction,
)

AllowedMode = Annotated[
    Mode,
    Field(
        description="What the owner allows for this answer, while `decision` says what the "
        "evidence supports. off: its label is switched off, the decision is abstain. monitor: "
        "neither show nor act. recommend: show it, but do not act. auto: show it, and act without "
        "a person if `decision` is auto too."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAnswer(ChoicePrediction):
    """A choice among labels, and what may be done with it."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityAnswer(SeverityPrediction):
    """An ordered level, and what may be done with it."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarAnswer(SimilarPrediction):
    """The similar incidents, and what may be done with them."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookAnswer(RunbookPrediction):
    """The runbooks, and what may be done with them."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class NoveltyAnswer(NoveltyPrediction):
    """How usual the report is, and what may be done with it."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionAnswer(ResolutionPrediction):
    """How long the incident will take, and what may be done with the answer."""

    mode: AllowedMode


Answer = (
    ChoiceAnswer | SeverityAnswer | SimilarAnswer | RunbookAnswer | NoveltyAnswer | ResolutionAnswer
)

_ANSWER_TYPES: Mapping[type[Prediction], type[Answer]] = {
    ChoicePrediction: ChoiceAnswer,
    SeverityPrediction: SeverityAnswer,
    SimilarPrediction: SimilarAnswer,
    RunbookPrediction: RunbookAnswer,
    NoveltyPrediction: NoveltyAnswer,
    ResolutionPrediction: ResolutionAnswer,
}


def apply_mode(prediction: Prediction, mode: Mode) -> Answer:
    """Return a prediction as an answer with its mode.

    In mode `off` a label has the decision `abstain` and no certificate, whatever its confidence.

    >>> sure = ChoicePrediction("VPN", 0.97, Decision.AUTO)
    >>> answer = apply_mode(sure, Mode.OFF)
    >>> str(answer.decision), str(answer.mode)
    ('abstain', 'off')
    """
    values: dict[str, Any] = {
        field.name: getattr(prediction, field.name) for field in fields(prediction)
    }
    if mode is Mode.OFF and isinstance(prediction, ChoicePrediction):
        values |= {"decision": Decision.ABSTAIN, "certificate": None}
    return _ANSWER_TYPES[type(prediction)](**values, mode=mode)

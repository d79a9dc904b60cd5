"""Responses about models and labels: every field, as `/docs` shows them."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from features.domain.modes import Mode
from models.base.model_card import Metric
from models.base.predictions import Certificate
from serving.background.champions import LoadedVersion
from serving.container import Container
from serving.services.active_learning import WantedLabel


class AuditedPrecision(BaseModel):
    """The precision of a label's answers in the audit sample.

    People checked `n` answers. `low` and `high` are 95% bounds that stay valid however often they
    are read.
    """

    estimate: float
    low: float
    high: float
    n: int


class ChallengerResponse(BaseModel):
    """A version whose answers are only compared, and how often they equal the champion's."""

    version: str
    trained_at: datetime
    answers: int
    agreement: float | None = Field(description="null without an answer")


class SuspensionResponse(BaseModel):
    """Since when a champion abstains, and why."""

    since: datetime
    reason: str


class LabelRatesResponse(BaseModel):
    """How often labels occur lately, against what a champion expects; answers are corrected to it.

    `log_factors` are natural logarithms of the factors on the champion's probabilities.
    """

    since: datetime
    incidents: int
    log_factors: dict[str, float]
    updated_at: datetime


class ModelResponse(BaseModel):
    """A champion: the contents of its card, and its figures in production."""

    target: str
    version: str
    kind: str
    rung: str = Field(description="how much of the method its labels support; empty: not recorded")
    labels_until_auto: int | None
    mode: Mode = Field(description="what the owner allows for this target")
    label_modes: dict[str, Mode] = Field(description="of the labels that have a mode of their own")
    trained_at: datetime
    cutoff: datetime | None
    split: str
    metrics: list[Metric]
    certificates: dict[str, Certificate]
    audited: dict[str, AuditedPrecision]
    withdrawn: list[str] = Field(
        description="labels answered as suggest, for the audit disproved their certificate"
    )
    suspended: SuspensionResponse | None = Field(
        description="null unless the champion abstains, being worse than always giving one label"
    )
    label_rates: LabelRatesResponse | None = Field(
        description="null unless answers are corrected to how often labels occur lately"
    )
    challenger: ChallengerResponse | None
    notes: list[str]


class ModelsResponse(BaseModel):
    """Every champion that answers now."""

    models: list[ModelResponse]


class ChampionResponse(BaseModel):
    """The version that is champion now; servers load it within seconds."""

    target: str
    version: str
    trained_at: datetime
    request_id: str


class LabelQueueResponse(BaseModel):
    """The incidents whose labels would improve the model most; the model's answers are left out."""

    queue: list[WantedLabel]
    request_id: str


def shape_models(services: Container) -> ModelsResponse:
    """Return the champions in the order of their targets."""
    serving = services.champions.current().serving
    return ModelsResponse(
        models=[_shape_model(target, serving[target], services) for target in sorted(serving)]
    )


def _shape_model(target: str, champion: LoadedVersion, services: Container) -> ModelResponse:
    card, version = champion.card, champion.version.version
    modes, audited = services.modes.modes, services.model_health.model_health.audited
    return ModelResponse(
        target=target,
        version=version,
        kind=champion.version.kind or card.kind,
        rung=card.rung,
        labels_until_auto=card.labels_until_auto,
        mode=modes.of(target),
        label_modes=modes.of_labels(target),
        trained_at=champion.version.trained_at,
        cutoff=card.cutoff,
        split=card.split,
        metrics=list(card.metrics),
        certificates=dict(card.certificates),
        audited={
            label.label: AuditedPrecision(estimate=label.estimate, **asdict(label.bounds))
            for label in audited
            if (label.target, label.version) == (target, version)
        },
        withdrawn=sorted(
            label
            for of_target, of_version, label in services.certificates.withdrawn
            if (of_target, of_version) == (target, version)
        ),
        suspended=_shape_suspension(champion, services),
        label_rates=_shape_rates(champion, services),
        challenger=_shape_challenger(target, services),
        notes=list(card.notes),
    )


def _shape_suspension(champion: LoadedVersion, services: Container) -> SuspensionResponse | None:
    suspension = services.suspensions.of(champion)
    if suspension is None:
        return None
    return SuspensionResponse(since=suspension.since, reason=suspension.reason)


def _shape_rates(champion: LoadedVersion, services: Container) -> LabelRatesResponse | None:
    rates = services.label_rates.of(champion)
    if rates is None:
        return None
    return LabelRatesResponse(
        since=rates.since,
        incidents=rates.incidents,
        log_factors=dict(rates.log_factors),
        updated_at=rates.updated_at,
    )


def _shape_challenger(target: str, services: Container) -> ChallengerResponse | None:
    challenger = services.challengers.current().get(target)
    if challenger is None:
        return None
    version = challenger.version
    agreement = services.model_health.agreement(target, version.version)
    return ChallengerResponse(
        version=version.version,
        trained_at=version.trained_at,
        answers=agreement.incidents,
        agreement=agreement.share,
    )

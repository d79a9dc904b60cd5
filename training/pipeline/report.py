"""The report of a training, for people and machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.base.gate_verdict import Verdict
from models.base.model_card import Drift, LabelNoise, Metric
from models.base.predictions import Certificate
from training.evaluation.learning_curve import LabelForecast
from training.label_noise.suspects import Suspect


@dataclass(frozen=True, slots=True)
class TrainedTarget:
    """The result of training one target.

    `rows` counts the incidents with a label, for `similar` those with a known earlier related
    incident. `outlook` forecasts the effect of more labels. `similar` and `runbooks` have no label
    noise, no certificates and no `outlook`; these two and `resolution` have `notes`.
    """

    target: str
    kind: str
    rows: int
    metrics: tuple[Metric, ...]
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    auto_share: float = 0.0
    withheld: str | None = None
    drift: Drift | None = None
    label_noise: LabelNoise | None = None
    suspects: tuple[Suspect, ...] = ()
    label_noise_file: str | None = None
    encoder: str | None = None
    is_adapted: bool = False
    verdict: Verdict | None = None
    version: str | None = None
    notes: tuple[str, ...] = ()
    outlook: LabelForecast | None = None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The results of a training, in the order of its targets.

    `encoded` counts the texts that were encoded because they were not in the cache. `scope` says
    for whose incidents the certificates hold.
    """

    split: str
    encoded: int
    trained: tuple[TrainedTarget, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""
    warnings: tuple[str, ...] = ()
